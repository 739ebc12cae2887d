-- $1 id, $2 attempt id, $3 now, $4 state, $5 error, $6 1 to give the attempt back, $7 throttles,
-- $8 session waits, $9 interruptions; the reason of a cancel stays
UPDATE stoker.job
   SET state = $4::text::stoker.job_state, attempt_id = NULL,
       finished_at = $3::bigint,
       error = CASE WHEN cancel THEN coalesce(error, $5::text) ELSE $5::text END,
       attempt = attempt - $6::bigint, throttles = throttles + $7::bigint,
       session_waits = session_waits + $8::bigint, interruptions = interruptions + $9::bigint
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
