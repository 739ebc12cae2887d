-- $1 id, $2 now, $3 lease_until, $4 the jobs in its workers' hands
UPDATE stoker.pool
   SET beat_at = $2::bigint, lease_until = $3::bigint, running = $4::bigint[]
 WHERE id = $1::bigint AND stopped_at IS NULL
