-- ?1 id, ?2 queue_id
UPDATE task SET queue_id = ?2 WHERE id = ?1;
