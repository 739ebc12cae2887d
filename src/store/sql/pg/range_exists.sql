-- $1 first id, $2 last id -> 1 when there is a job
SELECT 1 FROM stoker.job WHERE id BETWEEN $1::bigint AND $2::bigint LIMIT 1
