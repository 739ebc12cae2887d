-- ?1 id -> queue, priority
SELECT queue_id, priority FROM job WHERE id = ?1;
