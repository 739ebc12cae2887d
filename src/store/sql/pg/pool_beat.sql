-- $1 id, $2 now, $3 lease_until, $4 the jobs in its workers' hands, $5 state, $6 its reason, $7 per_s
-- -> when it beat before
WITH before AS (
    SELECT beat_at FROM stoker.pool WHERE id = $1::bigint
)
UPDATE stoker.pool
   SET beat_at = $2::bigint, lease_until = $3::bigint, running = $4::bigint[],
       state = $5::text, reason = $6::text, per_s = $7::double precision
 WHERE id = $1::bigint AND stopped_at IS NULL
RETURNING (SELECT beat_at FROM before)
