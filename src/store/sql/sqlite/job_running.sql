-- ?1 id, ?2 attempt id -> task, queue, sweep, cancel, attempt, retries, pool, worker, started_at;
-- no row when that attempt does not hold the job
SELECT task_id, queue_id, sweep_id, cancel, attempt, retries, pool_id, worker, started_at
  FROM job
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running';
