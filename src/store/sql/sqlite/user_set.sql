-- ?1 name, ?2 role, ?3 renews, ?4 password hash, ?5 totp, ?6 step, ?7 failures, ?8 blocked_until,
-- ?9 created_at, ?10 created_by; NOT NULL fails when renews is no JSON
INSERT INTO person (name, role, renews, password_hash, totp, totp_step, failures, blocked_until,
                    created_at, created_by)
VALUES (?1, ?2, CASE WHEN json_valid(?3) THEN ?3 END, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (name) DO UPDATE
   SET role = excluded.role, renews = excluded.renews, password_hash = excluded.password_hash,
       totp = excluded.totp, totp_step = excluded.totp_step, failures = excluded.failures,
       blocked_until = excluded.blocked_until, created_at = excluded.created_at,
       created_by = excluded.created_by;
