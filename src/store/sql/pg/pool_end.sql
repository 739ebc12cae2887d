-- $1 id, $2 now, $3 ended
UPDATE stoker.pool
   SET stopped_at = $2::bigint, ended = $3::text
 WHERE id = $1::bigint AND stopped_at IS NULL
