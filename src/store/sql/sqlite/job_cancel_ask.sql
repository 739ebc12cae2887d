-- ?1 id, ?2 error
UPDATE job SET cancel = 1, error = ?2 WHERE id = ?1 AND state = 'running' AND cancel = 0;
