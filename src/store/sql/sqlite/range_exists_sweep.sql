-- ?1 first id, ?2 last id, ?3 sweep -> whether there is a job
SELECT EXISTS (SELECT 1 FROM job WHERE sweep_id = ?3 AND id BETWEEN ?1 AND ?2);
