-- $1 the pool that is alive, $2 now, $3 whose lease ran out before this -> id, host, pid, beat_at
UPDATE stoker.pool
   SET stopped_at = $2::bigint, ended = 'lost'
 WHERE stopped_at IS NULL AND id <> $1::bigint AND lease_until < $3::bigint
RETURNING id, host, pid, beat_at
