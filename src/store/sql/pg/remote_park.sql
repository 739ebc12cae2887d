-- $1 job, $2 queue, $3 phase, $4 handle, $5 result, $6 submitted_at, $7 poll_at, $8 seen_at, $9 run_ns,
-- $10 polls, $11 fails, $12 gone, $13 progress, $14 now if a cancel is asked, else NULL: a poll that was not
-- given the cancel is followed by one at once
INSERT INTO stoker.remote AS r (job_id, queue_id, parked, phase, handle, result, submitted_at, poll_at,
                                seen_at, run_ns, polls, fails, gone, cancel_told, progress)
VALUES ($1::bigint, $2::bigint, true, $3::text, $4::text, $5::text, $6::bigint,
        coalesce($14::bigint, $7::bigint), $8::bigint, $9::bigint, $10::bigint, $11::bigint,
        $12::boolean, false, $13::double precision)
    ON CONFLICT (job_id) DO UPDATE
   SET queue_id = excluded.queue_id, parked = true, phase = excluded.phase,
       handle = excluded.handle, result = excluded.result, submitted_at = excluded.submitted_at,
       poll_at = CASE WHEN r.cancel_told THEN $7::bigint ELSE excluded.poll_at END,
       seen_at = excluded.seen_at, run_ns = excluded.run_ns, polls = excluded.polls,
       fails = excluded.fails, gone = excluded.gone, progress = excluded.progress
