-- ?1 job, ?2 retries, ?3 attempt, ?4 attempt id, ?5 outcome, ?6 exit status, ?7 pool, ?8 worker,
-- ?9 started_at, ?10 now, ?11 error, ?12 tail
INSERT INTO attempt (job_id, retries, attempt, attempt_id, outcome, exit_status, pool_id, worker,
                     started_at, finished_at, error, tail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);
