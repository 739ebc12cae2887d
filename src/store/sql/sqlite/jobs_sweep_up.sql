-- ?1 above this id, ?2 limit, ?3 sweep -> id
SELECT id FROM job INDEXED BY job_sweep
 WHERE sweep_id = ?3 AND id > ?1
 ORDER BY id
 LIMIT ?2;
