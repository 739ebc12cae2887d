-- ?1 after id, ?2 limit, ?3 the pool that is alive -> id, attempt id, attempt, interruptions, cancel, pool,
-- task, phase (NULL: not remote), submitted_at; running jobs are few: at most one a worker, and the parked ones,
-- which no pool holds
SELECT j.id, j.attempt_id, j.attempt, j.interruptions, j.cancel, j.pool_id, t.name,
       r.phase, r.submitted_at
  FROM task t
 CROSS JOIN job j INDEXED BY job_state ON j.task_id = t.id AND j.state = 'running'
  LEFT JOIN remote r ON r.job_id = j.id
 WHERE j.id > ?1 AND j.pool_id <> ?3 AND coalesce(r.parked, 0) = 0
 ORDER BY j.id
 LIMIT ?2;
