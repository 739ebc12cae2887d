-- ?1 above this id, ?2 limit -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM event WHERE id > ?1 ORDER BY id LIMIT ?2;
