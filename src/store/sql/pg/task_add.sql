-- $1 name, $2 queue -> id
INSERT INTO stoker.task (name, queue_id) VALUES ($1::text, $2::bigint) RETURNING id
