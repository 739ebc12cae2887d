-- ?1 above this id, ?2 limit, ?3 sweep, ?4 state, ?5 task -> id; walks the state: when it is rare
SELECT id FROM job INDEXED BY job_state
 WHERE task_id = ?5 AND state = ?4 AND sweep_id = ?3 AND id > ?1
 ORDER BY id
 LIMIT ?2;
