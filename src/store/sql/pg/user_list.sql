-- -> name, role, renews, password hash, totp, step, failures, blocked_until, created_at, created_by
SELECT name, role, renews, password_hash, totp, totp_step, failures, blocked_until, created_at,
       created_by
  FROM stoker.person
 ORDER BY name COLLATE "C"
