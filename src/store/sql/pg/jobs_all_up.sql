-- $1 first id, $2 last id, $3 limit -> id
SELECT id FROM stoker.job WHERE id BETWEEN $1::bigint AND $2::bigint ORDER BY id LIMIT $3::bigint
