-- ?1 job, ?2 now: a cancel is to be sent
UPDATE remote SET poll_at = min(poll_at, ?2) WHERE job_id = ?1 AND parked = 1;
