-- $1 the pool that is alive, $2 now -> id, host, pid, beat_at of those whose lease ran out a sixth of it ago
UPDATE stoker.pool
   SET stopped_at = $2::bigint, ended = 'lost'
 WHERE stopped_at IS NULL AND id <> $1::bigint
   AND lease_until + (lease_until - beat_at) / 6 < $2::bigint
RETURNING id, host, pid, beat_at
