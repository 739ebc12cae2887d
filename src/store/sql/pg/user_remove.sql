-- $1 name
DELETE FROM stoker.person WHERE name = $1::text
