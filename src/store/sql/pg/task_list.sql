-- -> id, name, queue
SELECT id, name, queue_id FROM stoker.task ORDER BY id
