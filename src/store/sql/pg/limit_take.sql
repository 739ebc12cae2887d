-- -> the columns of limit in pg/gates.c, by name; theirs alone until the transaction ends
SELECT name, tat, interval_ns, interval_at, turn_at, blocked_until, reason, episode, episode_at,
       strikes, half_open, errors, errors_since, cap_learned, cap_until, cap_probe_at,
       window_from, used, set_per_window, set_concurrency, set_by, changed_at
  FROM stoker.limiter
 ORDER BY name COLLATE "C"
   FOR UPDATE
