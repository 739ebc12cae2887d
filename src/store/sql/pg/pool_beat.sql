-- $1 id, $2 now, $3 lease_until, $4 state, $5 its reason, $6 per_s
-- -> when it beat before
WITH before AS (
    SELECT beat_at FROM stoker.pool WHERE id = $1::bigint
)
UPDATE stoker.pool
   SET beat_at = $2::bigint, lease_until = $3::bigint, state = $4::text, reason = $5::text,
       per_s = $6::double precision
 WHERE id = $1::bigint AND stopped_at IS NULL
RETURNING (SELECT beat_at FROM before)
