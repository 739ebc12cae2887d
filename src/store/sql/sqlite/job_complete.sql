-- ?1 id, ?2 attempt id, ?3 now, ?4 result: JSON or NULL
UPDATE job
   SET state = 'completed', attempt_id = NULL, finished_at = ?3, result = ?4, error = NULL
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running'
   AND (?4 IS NULL OR json_valid(?4));
