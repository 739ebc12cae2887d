-- ?1 task -> whether any of its jobs is held
SELECT EXISTS (SELECT 1 FROM job WHERE task_id = ?1 AND held IS NOT NULL);
