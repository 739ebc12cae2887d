-- $1 name -> id; as task_add
INSERT INTO stoker.queue (id, name) OVERRIDING SYSTEM VALUE
SELECT coalesce(max(id), 0) + 1, $1::text FROM stoker.queue
RETURNING id
