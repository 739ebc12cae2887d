-- ?1 task, ?2 after id, ?3 limit, ?4 now -> id
UPDATE job
   SET held = NULL, ready_at = ?4, due = 1
 WHERE id IN (SELECT id FROM job
               WHERE task_id = ?1 AND held IS NOT NULL AND held = 'unknown_task' AND id > ?2
               ORDER BY id
               LIMIT ?3)
RETURNING id;
