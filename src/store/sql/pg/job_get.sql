-- $1 ids -> id, sweep, task, queue, state, priority, params, result, error, key, held, attempt, throttles,
-- session waits, interruptions, retries, cancel, created_at, ready_at, started_at, finished_at, pool, worker,
-- attempt id; in the order of the ids
SELECT j.id, j.sweep_id, t.name, q.name, j.state::text, ~j.rank, j.params, j.result, j.error, j.key,
       j.held, j.attempt, j.throttles, j.session_waits, j.interruptions, j.retries, j.cancel,
       j.created_at, j.ready_at, j.started_at, j.finished_at, j.pool_id, j.worker, j.attempt_id
  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted(id, n)
  JOIN stoker.job j ON j.id = wanted.id
  LEFT JOIN stoker.task t ON t.id = j.task_id
  LEFT JOIN stoker.queue q ON q.id = j.queue_id
 ORDER BY wanted.n
