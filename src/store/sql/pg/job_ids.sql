-- $1 how many -> the first of so many ids in a row
SELECT stoker.take_job_ids($1::bigint)
