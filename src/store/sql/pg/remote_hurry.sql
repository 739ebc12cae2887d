-- $1 jobs, $2 now: a cancel is to be sent -> poll_at
UPDATE stoker.remote
   SET poll_at = least(poll_at, $2::bigint)
 WHERE job_id = ANY ($1::bigint[]) AND parked
RETURNING poll_at
