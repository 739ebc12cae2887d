-- ?1 before id, ?2 limit -> id, the newest first
SELECT id FROM sweep WHERE id < ?1 ORDER BY id DESC LIMIT ?2;
