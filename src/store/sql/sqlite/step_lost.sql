-- ?1 after id, ?2 limit, ?3 the pool that is alive -> id, attempt id, attempt, interruptions, cancel, pool, task;
-- running jobs are few: at most one a worker
SELECT j.id, j.attempt_id, j.attempt, j.interruptions, j.cancel, j.pool_id, t.name
  FROM task t
 CROSS JOIN job j INDEXED BY job_state ON j.task_id = t.id AND j.state = 'running'
 WHERE j.id > ?1 AND j.pool_id <> ?3
 ORDER BY j.id
 LIMIT ?2;
