-- ?1 below this id, ?2 limit -> id
SELECT id FROM job WHERE id < ?1 ORDER BY id DESC LIMIT ?2;
