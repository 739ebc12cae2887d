-- $1 now; of each job: $2 id (NULL: the next), $3 task, $4 queue, $5 sweep, $6 rank, $7 ready_at, $8 key,
-- $9 params, $10 identity -> id of those that are new, in their order
WITH given AS MATERIALIZED (
    SELECT *
      FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::text[], $9::text[], $10::bytea[]) WITH ORDINALITY
           AS g(id, task_id, queue_id, sweep_id, rank, ready_at, key, params, identity, n)
), added AS (
    INSERT INTO stoker.job (id, task_id, queue_id, sweep_id, due, rank, ready_at, created_at, key,
                            params, identity)
    SELECT coalesce(id, nextval('stoker.job_id')), task_id, queue_id, sweep_id,
           ready_at <= $1::bigint, rank, ready_at, $1::bigint, key, params, identity
      FROM given
     ORDER BY n
        ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT id FROM added ORDER BY id
