-- ?1 job -> attempt, attempt id, outcome, error, tail, result, exit status, pool, worker, started_at,
-- finished_at; the oldest first, the job's own row last
SELECT attempt, attempt_id, outcome, error, tail, result, exit_status, pool_id, worker,
       started_at, finished_at
  FROM (SELECT id, attempt, attempt_id, outcome, error, tail, result, exit_status, pool_id,
               worker, started_at, finished_at
          FROM attempt
         WHERE job_id = ?1
         UNION ALL
        SELECT 9223372036854775807, attempt, attempt_id, state, NULL, NULL, result, NULL,
               pool_id, worker, started_at, finished_at
          FROM job
         WHERE id = ?1 AND state IN ('running', 'completed'))
 ORDER BY id;
