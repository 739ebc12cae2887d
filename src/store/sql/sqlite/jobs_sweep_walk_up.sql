-- ?1 above this id, ?2 limit, ?3 sweep, ?4 state -> id; walks the sweep: when the state is common in it
SELECT id FROM job INDEXED BY job_sweep
 WHERE sweep_id = ?3 AND state = ?4 AND id > ?1
 ORDER BY id
 LIMIT ?2;
