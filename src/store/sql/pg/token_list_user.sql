-- $1 user -> id, person, label, hash, created_at, expires_at
SELECT id, person, label, hash, created_at, expires_at
  FROM stoker.token
 WHERE person = $1::text
 ORDER BY id
