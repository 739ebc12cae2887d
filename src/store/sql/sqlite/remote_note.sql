-- ?1 job, ?2 attempt id, ?3 now; no change when that attempt does not hold the job, or a handle is known
INSERT INTO remote (job_id, queue_id, parked, phase, submitted_at, seen_at, run_ns, polls, fails,
                    gone, cancel_told, progress)
SELECT id, queue_id, 0, 'submitting', ?3, 0, 0, 0, 0, 0, 0, -1.0
  FROM job
 WHERE id = ?1 AND attempt_id = ?2 AND state = 'running'
    ON CONFLICT (job_id) DO UPDATE
   SET phase = excluded.phase, submitted_at = excluded.submitted_at
 WHERE phase = 'submitting' OR phase = 'adopting';
