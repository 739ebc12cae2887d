-- ?1 first id, ?2 last id -> whether there is a job
SELECT EXISTS (SELECT 1 FROM job WHERE id BETWEEN ?1 AND ?2);
