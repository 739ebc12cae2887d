-- ?1 id, ?2 attempt id, ?3 pool, ?4 worker
UPDATE job SET attempt_id = ?2, pool_id = ?3, worker = ?4 WHERE id = ?1 AND state = 'running';
