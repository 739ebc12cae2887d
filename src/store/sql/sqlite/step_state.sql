-- ?1 after id, ?2 last id, ?3 limit, ?4 state -> id, state, task, queue, sweep; task by task, so that
-- a rare state is found at once
SELECT j.id, j.state, j.task_id, j.queue_id, j.sweep_id
  FROM task t
  JOIN job j
    ON j.id IN (SELECT id FROM job INDEXED BY job_state
                 WHERE task_id = t.id AND state = ?4 AND id > ?1 AND id <= ?2
                 ORDER BY id
                 LIMIT ?3)
 ORDER BY j.id
 LIMIT ?3;
