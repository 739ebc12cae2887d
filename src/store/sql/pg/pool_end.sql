-- $1 id, $2 now: in good order
UPDATE stoker.pool
   SET stopped_at = $2::bigint, ended = 'stopped'
 WHERE id = $1::bigint AND stopped_at IS NULL
