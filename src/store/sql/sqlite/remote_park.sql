-- ?1 job, ?2 queue, ?3 phase, ?4 handle, ?5 result, ?6 submitted_at, ?7 poll_at, ?8 seen_at, ?9 run_ns,
-- ?10 polls, ?11 fails, ?12 gone, ?13 progress, ?14 now if a cancel is asked, else NULL: a poll that was not
-- given the cancel is followed by one at once
INSERT INTO remote (job_id, queue_id, parked, phase, handle, result, submitted_at, poll_at, seen_at,
                    run_ns, polls, fails, gone, cancel_told, progress)
VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, coalesce(?14, ?7), ?8, ?9, ?10, ?11, ?12, 0, ?13)
    ON CONFLICT (job_id) DO UPDATE
   SET queue_id = excluded.queue_id, parked = 1, phase = excluded.phase,
       handle = excluded.handle, result = excluded.result, submitted_at = excluded.submitted_at,
       poll_at = CASE WHEN cancel_told = 1 THEN ?7 ELSE excluded.poll_at END,
       seen_at = excluded.seen_at, run_ns = excluded.run_ns, polls = excluded.polls,
       fails = excluded.fails, gone = excluded.gone, progress = excluded.progress;
