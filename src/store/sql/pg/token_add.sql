-- $1 user, $2 label, $3 hash, $4 created_at, $5 expires_at -> id; no row without such a user, or when the
-- hash is known
INSERT INTO stoker.token (person, label, hash, created_at, expires_at)
SELECT name, $2::text, $3::bytea, $4::bigint, $5::bigint FROM stoker.person WHERE name = $1::text
    ON CONFLICT DO NOTHING
RETURNING id
