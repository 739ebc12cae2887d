-- ?1 sweep, ?2 identity -> id
SELECT id FROM job WHERE sweep_id = ?1 AND identity = ?2;
