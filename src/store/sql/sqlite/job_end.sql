-- ?1 id, ?2 attempt id, ?3 now, ?4 state, ?5 error, ?6 1 to give the attempt back,
-- ?7 throttles, ?8 session waits, ?9 interruptions; the reason of a cancel stays
UPDATE job
   SET state = ?4, attempt_id = NULL, finished_at = ?3,
       error = CASE WHEN cancel = 1 THEN coalesce(error, ?5) ELSE ?5 END,
       attempt = attempt - ?6, throttles = throttles + ?7,
       session_waits = session_waits + ?8, interruptions = interruptions + ?9
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running';
