-- ?1 above this id, ?2 limit -> id
SELECT id FROM job WHERE id > ?1 ORDER BY id LIMIT ?2;
