-- $1 job, $2 retries, $3 attempt, $4 attempt id, $5 outcome, $6 exit status, $7 pool, $8 worker,
-- $9 started_at, $10 finished_at, $11 error, $12 tail; once an attempt
INSERT INTO stoker.attempt (job_id, retries, attempt, attempt_id, outcome, exit_status, pool_id,
                            worker, started_at, finished_at, error, tail)
VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::text, $6::bigint, $7::bigint,
        $8::bigint, $9::bigint, $10::bigint, $11::text, $12::text)
    ON CONFLICT DO NOTHING
