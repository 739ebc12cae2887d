-- $1 the pool that is alive, $2 now -> id, host, pid, beat_at of those whose lease ran out a sixth of it ago; one whose
-- row is held is just beating, or being taken for gone by another
UPDATE stoker.pool AS p
   SET stopped_at = $2::bigint, ended = 'lost'
  FROM (SELECT id
          FROM stoker.pool
         WHERE stopped_at IS NULL AND id <> $1::bigint
           AND lease_until + (lease_until - beat_at) / 6 < $2::bigint
           FOR NO KEY UPDATE SKIP LOCKED) AS gone
 WHERE p.id = gone.id
RETURNING p.id, p.host, p.pid, p.beat_at
