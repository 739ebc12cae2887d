-- -> id, name, queue_id
SELECT id, name, queue_id FROM task ORDER BY id;
