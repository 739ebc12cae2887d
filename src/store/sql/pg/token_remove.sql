-- $1 id
DELETE FROM stoker.token WHERE id = $1::bigint
