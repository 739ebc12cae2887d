-- $1 queue, $2 pool, $3 now, $4 how many, $5 attempt ids, $6 worker numbers -> id, task, sweep, attempt,
-- interruptions, params, started_at, cancel, attempt id, worker, and the remote job: phase, handle, result,
-- submitted_at, poll_at, seen_at, run_ns, polls, fails, gone, progress; the earliest first. Both rows are locked
-- before either is changed: who cancels locks the job first.
WITH open AS MATERIALIZED (
    SELECT FROM stoker.pool p WHERE p.id = $2::bigint AND p.stopped_at IS NULL FOR SHARE OF p
), picked AS MATERIALIZED (
    SELECT j.id
      FROM stoker.remote r
      JOIN stoker.job j ON j.id = r.job_id
     WHERE r.parked AND r.queue_id = $1::bigint AND r.poll_at <= $3::bigint AND j.state = 'running'
       AND EXISTS (SELECT FROM open)
     ORDER BY r.poll_at
     LIMIT $4::bigint
       FOR UPDATE OF r, j SKIP LOCKED
), numbered AS MATERIALIZED (
    SELECT id, row_number() OVER () AS n FROM picked
), claimed AS (
    UPDATE stoker.job j
       SET attempt_id = ($5::bigint[])[p.n], pool_id = $2::bigint, worker = ($6::bigint[])[p.n]
      FROM numbered p
     WHERE j.id = p.id
    RETURNING j.id, j.task_id, j.sweep_id, j.attempt, j.interruptions, j.params, j.started_at,
              j.cancel, j.attempt_id, j.worker, p.n
), taken AS (
    UPDATE stoker.remote r
       SET parked = false, cancel_told = c.cancel
      FROM claimed c
     WHERE r.job_id = c.id
    RETURNING r.job_id, r.phase, r.handle, r.result, r.submitted_at, r.poll_at, r.seen_at, r.run_ns,
              r.polls, r.fails, r.gone, r.progress
)
SELECT c.id, c.task_id, c.sweep_id, c.attempt, c.interruptions, c.params, c.started_at, c.cancel,
       c.attempt_id, c.worker, t.phase, t.handle, t.result, t.submitted_at, t.poll_at, t.seen_at,
       t.run_ns, t.polls, t.fails, t.gone, t.progress
  FROM claimed c
  JOIN taken t ON t.job_id = c.id
 ORDER BY c.n
