-- $1 job -> phase, handle, result, submitted_at, poll_at, seen_at, run_ns, polls, fails, gone, progress
SELECT phase, handle, result, submitted_at, poll_at, seen_at, run_ns, polls, fails, gone, progress
  FROM stoker.remote
 WHERE job_id = $1::bigint
