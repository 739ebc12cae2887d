-- ?1 job, ?2 poll_at: with what is known already
UPDATE remote SET parked = 1, poll_at = ?2 WHERE job_id = ?1 AND phase <> 'submitting';
