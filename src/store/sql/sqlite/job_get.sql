-- ?1 id -> id, sweep, task, queue, state, priority, params, result, error, key, held, attempt, throttles,
-- session_waits, interruptions, retries, cancel, created_at, ready_at, started_at, finished_at, pool, worker,
-- attempt id
SELECT j.id, j.sweep_id, t.name, q.name, j.state, j.priority, j.params, j.result, j.error, j.key,
       j.held, j.attempt, j.throttles, j.session_waits, j.interruptions, j.retries, j.cancel,
       j.created_at, j.ready_at, j.started_at, j.finished_at, j.pool_id, j.worker, j.attempt_id
  FROM job j
  LEFT JOIN task t ON t.id = j.task_id
  LEFT JOIN queue q ON q.id = j.queue_id
 WHERE j.id = ?1;
