-- $1 name, $2 queue -> id; the next one, as a number that a rolled back transaction took from the sequence would
-- be missing for ever (task_lock is held)
INSERT INTO stoker.task (id, name, queue_id) OVERRIDING SYSTEM VALUE
SELECT coalesce(max(id), 0) + 1, $1::text, $2::bigint FROM stoker.task
RETURNING id
