-- $1 id, $2 attempt id, $3 error, $4 throttles, $5 session waits, $6 interruptions; the reason of a cancel
-- stays
UPDATE stoker.job
   SET worker = 0,
       error = CASE WHEN cancel THEN coalesce(error, $3::text) ELSE coalesce($3::text, error) END,
       throttles = throttles + $4::bigint, session_waits = session_waits + $5::bigint,
       interruptions = interruptions + $6::bigint
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
