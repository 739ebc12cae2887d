-- ?1 user, ?2 label, ?3 hash, ?4 created_at, ?5 expires_at; no change without such a user
INSERT INTO token (person, label, hash, created_at, expires_at)
SELECT name, ?2, ?3, ?4, ?5 FROM person WHERE name = ?1;
