-- $1 name -> id
INSERT INTO stoker.queue (name) VALUES ($1::text) RETURNING id
