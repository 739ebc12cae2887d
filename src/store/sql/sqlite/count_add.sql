-- ?1 sweep, ?2 queue, ?3 task, ?4 state, ?5 n
INSERT INTO job_count (sweep_id, queue_id, task_id, state, n) VALUES (?1, ?2, ?3, ?4, ?5);
