-- $1 limit -> id, host, pid, workers, started_at, beat_at, stopped_at, lease_until, ended; the newest first
SELECT id, host, pid, workers, started_at, beat_at, stopped_at, lease_until, ended
  FROM stoker.pool ORDER BY id DESC LIMIT $1::bigint
