-- $1 limit -> id, host, pid, workers, started_at, beat_at, stopped_at, ended, lease_until,
--    state, reason, per_s; newest first
SELECT id, host, pid, workers, started_at, beat_at, stopped_at, ended, lease_until, state, reason, per_s
  FROM stoker.pool
 ORDER BY id DESC
 LIMIT $1::bigint
