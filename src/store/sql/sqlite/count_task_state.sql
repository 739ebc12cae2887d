-- ?1 task, ?2 state -> n
SELECT coalesce(sum(n), 0) FROM job_count WHERE task_id = ?1 AND state = ?2;
