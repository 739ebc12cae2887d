-- -> id, name, queue_id
SELECT id, name, queue_id FROM stoker.task ORDER BY id
