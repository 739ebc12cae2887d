-- ?1 queue, ?2 now, ?3 limit -> id, task, sweep, attempt, interruptions, params, started_at, cancel, and the
-- remote job: phase, handle, result, submitted_at, poll_at, seen_at, run_ns, polls, fails, gone, progress
SELECT j.id, j.task_id, j.sweep_id, j.attempt, j.interruptions, j.params, j.started_at, j.cancel,
       r.phase, r.handle, r.result, r.submitted_at, r.poll_at, r.seen_at, r.run_ns, r.polls,
       r.fails, r.gone, r.progress
  FROM remote r
 CROSS JOIN job j ON j.id = r.job_id
 WHERE r.parked = 1 AND r.queue_id = ?1 AND r.poll_at <= ?2
 ORDER BY r.poll_at
 LIMIT ?3;
