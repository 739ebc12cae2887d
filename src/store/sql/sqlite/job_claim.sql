-- ?1 id, ?2 attempt id, ?3 pool, ?4 worker, ?5 now
UPDATE job
   SET state = 'running', due = 0, ready_at = NULL, attempt_id = ?2, attempt = attempt + 1,
       pool_id = ?3, worker = ?4, started_at = ?5
 WHERE id = ?1 AND due = 1;
