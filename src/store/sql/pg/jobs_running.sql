-- $1 first id, $2 last id, $3 limit, $4 task or 0, $5 sweep or 0, $6 whether ascending -> id; those that run are
-- few, and are found by who runs them: what the pools have noted of their claims, what runs
-- elsewhere; OFFSET 0: each by its key, as nobody can guess how few they are
WITH alive AS MATERIALIZED (
    SELECT id FROM stoker.pool WHERE NOT rescued
), maybe AS MATERIALIZED (
    SELECT unnest(l.ids) AS id FROM stoker.claim_log l JOIN alive a ON a.id = l.pool_id
     UNION
    SELECT job_id FROM stoker.remote
)
SELECT j.id
  FROM maybe m
 CROSS JOIN LATERAL (
       SELECT id
         FROM stoker.job
        WHERE id = m.id AND state = 'running'
          AND ($4::bigint = 0 OR task_id = $4::bigint) AND ($5::bigint = 0 OR sweep_id = $5::bigint)
       OFFSET 0) AS j
 WHERE m.id BETWEEN $1::bigint AND $2::bigint
 ORDER BY CASE WHEN $6::boolean THEN j.id ELSE -j.id END
 LIMIT $3::bigint
