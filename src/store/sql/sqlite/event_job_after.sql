-- ?1 above this id, ?2 limit, ?3 job -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM event WHERE job_id = ?3 AND id > ?1 ORDER BY id LIMIT ?2;
