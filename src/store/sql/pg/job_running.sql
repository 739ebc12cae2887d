-- $1 id, $2 attempt id -> task, queue, sweep, cancel, attempt, retries, pool, worker, started_at, rank; the row is
-- locked; no row when that attempt does not hold the job
SELECT task_id, queue_id, sweep_id, cancel, attempt, retries, pool_id, worker, started_at, rank
  FROM stoker.job
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
   FOR UPDATE
