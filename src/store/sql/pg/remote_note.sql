-- $1 job, $2 attempt id, $3 now; no change when that attempt does not hold the job, or a handle is known. The
-- job is locked, so that whoever gives it back meanwhile sees this.
INSERT INTO stoker.remote AS r (job_id, queue_id, parked, phase, submitted_at, seen_at, run_ns, polls,
                                fails, gone, cancel_told, progress)
SELECT id, queue_id, false, 'submitting', $3::bigint, 0, 0, 0, 0, false, false, -1
  FROM stoker.job
 WHERE id = $1::bigint AND attempt_id = $2::bigint AND state = 'running'
   FOR UPDATE
    ON CONFLICT (job_id) DO UPDATE
   SET phase = excluded.phase, submitted_at = excluded.submitted_at
 WHERE r.phase = 'submitting' OR r.phase = 'adopting'
