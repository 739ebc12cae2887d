-- $1 name -> id
SELECT id FROM stoker.task WHERE name = $1::text
