-- ?2 limit, ?3 job -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text; the newest, oldest first
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM (SELECT * FROM event WHERE job_id = ?3 ORDER BY id DESC LIMIT ?2) ORDER BY id;
