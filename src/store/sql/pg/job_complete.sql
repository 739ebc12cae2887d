-- $1 id, $2 attempt id, $3 now, $4 result: JSON or NULL
UPDATE stoker.job
   SET state = 'completed', attempt_id = NULL, finished_at = $3::bigint, result = $4::text,
       error = NULL
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
