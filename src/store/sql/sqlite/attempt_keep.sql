-- ?1 job: what a completed job is about to lose by a retry
INSERT INTO attempt (job_id, retries, attempt, outcome, pool_id, worker,
                     started_at, finished_at, result)
SELECT id, retries, attempt, state, pool_id, worker, started_at, finished_at, result
  FROM job
 WHERE id = ?1 AND state = 'completed';
