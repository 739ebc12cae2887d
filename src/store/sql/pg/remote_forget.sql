-- $1 job: its attempt has ended
DELETE FROM stoker.remote WHERE job_id = $1::bigint
