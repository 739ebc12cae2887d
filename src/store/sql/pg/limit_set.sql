-- $1.. the columns of limit in pg/gates.c; limit_take has its row
UPDATE stoker.limiter
   SET tat = $2::bigint, interval_ns = $3::bigint, interval_at = $4::bigint, turn_at = $5::bigint,
       blocked_until = $6::bigint, reason = $7::text, episode = $8::bigint,
       episode_at = $9::bigint, strikes = $10::bigint, half_open = $11::boolean,
       errors = $12::bigint, errors_since = $13::bigint, cap_learned = $14::bigint,
       cap_until = $15::bigint, cap_probe_at = $16::bigint, window_from = $17::bigint,
       used = $18::bigint, set_per_window = $19::bigint, set_concurrency = $20::bigint,
       set_by = $21::text, changed_at = $22::bigint
 WHERE name = $1::text
