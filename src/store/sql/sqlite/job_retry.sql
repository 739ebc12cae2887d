-- ?1 id, ?2 now
UPDATE job
   SET state = 'pending', due = 1, ready_at = ?2, attempt = 0, interruptions = 0,
       retries = retries + 1, cancel = 0, pool_id = NULL, worker = NULL, started_at = NULL,
       finished_at = NULL, result = NULL, error = NULL
 WHERE id = ?1 AND (state = 'completed' OR state = 'failed' OR state = 'cancelled');
