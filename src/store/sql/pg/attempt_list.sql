-- $1 job -> attempt, attempt id, outcome, error, tail, result, exit status, pool, worker, started_at,
-- finished_at; the oldest first, the job's own row last
SELECT attempt, attempt_id, outcome, error, tail, result, exit_status, pool_id, worker, started_at,
       finished_at
  FROM (SELECT id, attempt, attempt_id, outcome, error, tail, result, exit_status, pool_id, worker,
               started_at, finished_at
          FROM stoker.attempt
         WHERE job_id = $1::bigint
         UNION ALL
        SELECT 9223372036854775807, attempt, attempt_id, state::text, NULL, NULL, result, NULL,
               pool_id, worker, started_at, finished_at
          FROM stoker.job
         WHERE id = $1::bigint AND state IN ('running', 'completed')) AS both_tables
 ORDER BY id
