-- $1 name, $2 queue; nothing when somebody else was quicker
INSERT INTO stoker.task (name, queue_id) VALUES ($1::text, $2::bigint) ON CONFLICT DO NOTHING
