-- -> id, person, label, hash, created_at, expires_at
SELECT id, person, label, hash, created_at, expires_at
  FROM stoker.token
 ORDER BY id
