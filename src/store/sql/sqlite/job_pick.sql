-- ?1 queue, ?2 limit -> id, task, sweep, attempt, interruptions, params
SELECT id, task_id, sweep_id, attempt, interruptions, params
  FROM job
 WHERE queue_id = ?1 AND due = 1
 ORDER BY priority DESC, id
 LIMIT ?2;
