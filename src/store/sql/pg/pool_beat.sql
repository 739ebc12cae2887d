-- $1 id, $2 now, $3 lease until, $4 the jobs in its workers' hands; no change when its lease has run out
UPDATE stoker.pool
   SET beat_at = $2::bigint, lease_until = $3::bigint, running = $4::bigint[]
 WHERE id = $1::bigint AND stopped_at IS NULL AND lease_until > $2::bigint
