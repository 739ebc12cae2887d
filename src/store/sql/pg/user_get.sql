-- $1 name -> as user_list
SELECT name, role, renews, password_hash, totp, totp_step, failures, blocked_until, created_at,
       created_by
  FROM stoker.person
 WHERE name = $1::text
