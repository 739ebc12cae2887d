-- $1 name, $2 role, $3 renews, $4 password hash, $5 totp, $6 step, $7 failures, $8 blocked_until,
-- $9 created_at, $10 created_by
INSERT INTO stoker.person (name, role, renews, password_hash, totp, totp_step, failures,
                           blocked_until, created_at, created_by)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bytea, $6::bigint, $7::bigint, $8::bigint,
        $9::bigint, $10::text)
    ON CONFLICT (name) DO UPDATE
   SET role = excluded.role, renews = excluded.renews, password_hash = excluded.password_hash,
       totp = excluded.totp, totp_step = excluded.totp_step, failures = excluded.failures,
       blocked_until = excluded.blocked_until, created_at = excluded.created_at,
       created_by = excluded.created_by
