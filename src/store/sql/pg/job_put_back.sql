-- $1 id, $2 attempt id, $3 ready_at, $4 due, $5 held, $6 error, $7 1 to give the attempt back,
-- $8 throttles, $9 session waits, $10 interruptions
UPDATE stoker.job
   SET state = 'pending', attempt_id = NULL, ready_at = $3::bigint, due = $4::boolean,
       held = $5::text, pool_id = NULL, worker = NULL, started_at = NULL,
       error = coalesce($6::text, error), attempt = attempt - $7::bigint,
       throttles = throttles + $8::bigint, session_waits = session_waits + $9::bigint,
       interruptions = interruptions + $10::bigint
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
