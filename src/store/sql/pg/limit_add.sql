-- $1.. the columns of limit in pg/gates.c; nothing when somebody else was quicker
INSERT INTO stoker.limiter (name, tat, interval_ns, interval_at, turn_at, blocked_until, reason,
                            episode, episode_at, strikes, half_open, errors, errors_since,
                            cap_learned, cap_until, cap_probe_at, window_from, used,
                            set_per_window, set_concurrency, set_by, changed_at)
VALUES ($1::text, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::bigint,
        $9::bigint, $10::bigint, $11::boolean, $12::bigint, $13::bigint, $14::bigint, $15::bigint,
        $16::bigint, $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::text, $22::bigint)
    ON CONFLICT DO NOTHING
