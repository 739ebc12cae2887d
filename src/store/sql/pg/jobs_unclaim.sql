-- $1 now, $2 ids, $3 attempt ids: claimed in a commit whose answer was lost -> id, sweep, queue, task, rank; not
-- those that run elsewhere
UPDATE stoker.job j
   SET state = 'pending', attempt_id = NULL, ready_at = $1::bigint, due = true, pool_id = NULL,
       worker = NULL, started_at = NULL, attempt = j.attempt - 1
  FROM unnest($2::bigint[], $3::bigint[]) AS s(id, attempt_id)
 WHERE j.id = s.id AND j.attempt_id = s.attempt_id AND j.state = 'running'
   AND NOT EXISTS (SELECT FROM stoker.remote r WHERE r.job_id = j.id)
RETURNING j.id, j.sweep_id, j.queue_id, j.task_id, j.rank
