-- $1 job, $2 poll_at: with what is known already
UPDATE stoker.remote
   SET parked = true, poll_at = $2::bigint
 WHERE job_id = $1::bigint AND phase <> 'submitting'
