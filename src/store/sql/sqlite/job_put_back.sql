-- ?1 id, ?2 attempt id, ?3 ready_at, ?4 due, ?5 held, ?6 error, ?7 1 to give the attempt back,
-- ?8 throttles, ?9 session waits, ?10 interruptions
UPDATE job
   SET state = 'pending', attempt_id = NULL, ready_at = ?3, due = ?4, held = ?5,
       pool_id = NULL, worker = NULL, started_at = NULL, error = coalesce(?6, error),
       attempt = attempt - ?7, throttles = throttles + ?8,
       session_waits = session_waits + ?9, interruptions = interruptions + ?10
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running';
