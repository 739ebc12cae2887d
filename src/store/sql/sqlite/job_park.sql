-- ?1 id, ?2 attempt id, ?3 error, ?4 throttles, ?5 session waits, ?6 interruptions; the reason of a
-- cancel stays
UPDATE job
   SET worker = 0,
       error = CASE WHEN cancel = 1 THEN coalesce(error, ?3) ELSE coalesce(?3, error) END,
       throttles = throttles + ?4, session_waits = session_waits + ?5,
       interruptions = interruptions + ?6
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running';
