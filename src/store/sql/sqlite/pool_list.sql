-- ?1 limit -> id, host, pid, workers, started_at, beat_at, stopped_at, ended; the newest first
SELECT id, host, pid, workers, started_at, beat_at, stopped_at, ended
  FROM pool ORDER BY id DESC LIMIT ?1;
