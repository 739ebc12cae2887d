-- ?1 user -> id, person, label, hash, created_at, expires_at
SELECT id, person, label, hash, created_at, expires_at
  FROM token WHERE person = ?1 ORDER BY id;
