-- $1 jobs: what completed ones are about to lose by a retry
INSERT INTO stoker.attempt (job_id, retries, attempt, outcome, pool_id, worker, started_at,
                            finished_at, result)
SELECT id, retries, attempt, state::text, pool_id, worker, started_at, finished_at, result
  FROM stoker.job
 WHERE id = ANY ($1::bigint[]) AND state = 'completed'
