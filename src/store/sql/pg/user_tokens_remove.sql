-- $1 name of the user
DELETE FROM stoker.token WHERE person = $1::text
