-- ?1 sweep, ?2 queue, ?3 task, ?4 state, ?5 by; no change when there is no row yet
UPDATE job_count SET n = n + ?5
 WHERE sweep_id = ?1 AND queue_id = ?2 AND task_id = ?3 AND state = ?4;
