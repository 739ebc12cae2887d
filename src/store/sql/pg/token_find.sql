-- $1 hash -> id, person, label, hash, created_at, expires_at
SELECT id, person, label, hash, created_at, expires_at
  FROM stoker.token
 WHERE hash = $1::bytea
