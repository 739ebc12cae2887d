-- ?1 below this id, ?2 limit, ?3 task, ?4 state -> id
SELECT id FROM job INDEXED BY job_state
 WHERE task_id = ?3 AND state = ?4 AND id < ?1
 ORDER BY id DESC
 LIMIT ?2;
