-- $1 user, $2 label, $3 hash, $4 created_at, $5 expires_at -> id or NULL when the hash is known, whether there
-- is such a user: nobody removes it meanwhile
WITH owner AS MATERIALIZED (
    SELECT name FROM stoker.person WHERE name = $1::text FOR SHARE
), added AS (
    INSERT INTO stoker.token (person, label, hash, created_at, expires_at)
    SELECT name, $2::text, $3::bytea, $4::bigint, $5::bigint FROM owner
        ON CONFLICT (hash) DO NOTHING
    RETURNING id
)
SELECT (SELECT id FROM added), EXISTS (SELECT FROM owner)
