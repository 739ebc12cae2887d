-- $1 name -> id
SELECT id FROM stoker.queue WHERE name = $1::text
