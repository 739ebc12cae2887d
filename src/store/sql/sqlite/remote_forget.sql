-- ?1 job: its attempt has ended
DELETE FROM remote WHERE job_id = ?1;
