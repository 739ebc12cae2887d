-- $1 name; nothing when somebody else was quicker
INSERT INTO stoker.queue (name) VALUES ($1::text) ON CONFLICT DO NOTHING
