-- ?1 .. ?22: all columns of limiter
INSERT OR REPLACE INTO limiter
      (name, tat, interval_ns, interval_at, turn_at, blocked_until, reason, episode, episode_at,
       strikes, half_open, errors, errors_since, cap_learned, cap_until, cap_probe_at,
       window_from, used, set_per_window, set_concurrency, set_by, changed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
        ?21, ?22);
