-- $1.. the columns of limit in pg/gates.c
INSERT INTO stoker.limiter (name, tat, interval_ns, interval_at, turn_at, blocked_until, reason,
                            episode, episode_at, strikes, half_open, errors, errors_since,
                            cap_learned, cap_until, cap_probe_at, window_from, used,
                            set_per_window, set_concurrency, set_by, changed_at)
VALUES ($1::text, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text,
        $8::bigint, $9::bigint, $10::bigint, $11::boolean, $12::bigint, $13::bigint, $14::bigint,
        $15::bigint, $16::bigint, $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::text,
        $22::bigint)
    ON CONFLICT (name) DO UPDATE
   SET tat = excluded.tat, interval_ns = excluded.interval_ns,
       interval_at = excluded.interval_at, turn_at = excluded.turn_at,
       blocked_until = excluded.blocked_until, reason = excluded.reason,
       episode = excluded.episode, episode_at = excluded.episode_at, strikes = excluded.strikes,
       half_open = excluded.half_open, errors = excluded.errors,
       errors_since = excluded.errors_since, cap_learned = excluded.cap_learned,
       cap_until = excluded.cap_until, cap_probe_at = excluded.cap_probe_at,
       window_from = excluded.window_from, used = excluded.used,
       set_per_window = excluded.set_per_window, set_concurrency = excluded.set_concurrency,
       set_by = excluded.set_by, changed_at = excluded.changed_at
