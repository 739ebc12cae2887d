-- $1 sweep, $2 identity -> id
SELECT id FROM stoker.job WHERE sweep_id = $1::bigint AND identity = $2::bytea
