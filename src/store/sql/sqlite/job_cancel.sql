-- ?1 id, ?2 now, ?3 error
UPDATE job
   SET state = 'cancelled', due = 0, ready_at = NULL, held = NULL, cancel = 1,
       finished_at = ?2, error = ?3
 WHERE id = ?1 AND state = 'pending';
