-- ?1 task, ?2 key -> id, params
SELECT id, params FROM job WHERE task_id = ?1 AND key = ?2;
