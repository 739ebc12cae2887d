-- ?1 after id, ?2 last id, ?3 sweep -> id, state, task, queue, sweep
SELECT id, state, task_id, queue_id, sweep_id
  FROM job
 WHERE sweep_id = ?3 AND id > ?1 AND id <= ?2
 ORDER BY id;
