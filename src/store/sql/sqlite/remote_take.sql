-- ?1 job, ?2 whether its cancel is handed out
UPDATE remote SET parked = 0, cancel_told = ?2 WHERE job_id = ?1 AND parked = 1;
