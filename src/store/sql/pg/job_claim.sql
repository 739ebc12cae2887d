-- $1 queue, $2 pool, $3 rank and $4 id to begin at, $5 how many, $6 attempt ids, $7 worker numbers, $8 now ->
-- id, task, sweep, attempt, interruptions, params, attempt id, worker, rank, place among them from 1. A pool
-- that has ended claims nothing: its rescue waits for this lock. Not one statement with the outcomes: SKIP
-- LOCKED locks, for a moment, rows that it then leaves alone, and two such statements could wait for each
-- other. unnest gives each job its own: looking for its place in the array costs more the longer it is. By ctid,
-- as the row is locked; one that changed just before is not found so, stays due, and is claimed next time.
WITH open AS MATERIALIZED (
    SELECT 1
      FROM stoker.pool p
     WHERE p.id = $2::bigint AND p.stopped_at IS NULL
       AND NOT (SELECT paused FROM stoker.queue WHERE id = $1::bigint)
       FOR SHARE OF p
), picked AS MATERIALIZED (
    SELECT j.ctid AS at
      FROM stoker.job j
     WHERE j.queue_id = $1::bigint AND j.due AND (j.rank, j.id) >= ($3::bigint, $4::bigint)
       AND EXISTS (SELECT FROM open)
     ORDER BY j.rank, j.id
     LIMIT $5::bigint
       FOR UPDATE OF j SKIP LOCKED
)
UPDATE stoker.job j
   SET state = 'running', due = false, ready_at = NULL, attempt = j.attempt + 1,
       pool_id = $2::bigint, started_at = $8::bigint, attempt_id = n.attempt_id, worker = n.worker
  FROM unnest(ARRAY(SELECT at FROM picked), $6::bigint[], $7::bigint[]) WITH ORDINALITY
       AS n(at, attempt_id, worker, place)
 WHERE j.ctid = n.at
RETURNING j.id, j.task_id, j.sweep_id, j.attempt, j.interruptions, j.params, j.attempt_id, j.worker,
          j.rank, n.place::integer
