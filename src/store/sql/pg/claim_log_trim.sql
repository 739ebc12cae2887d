-- $1 pool, $2 from this id on: those that its beat has just written down -> the last id
WITH gone AS (
    DELETE FROM stoker.claim_log WHERE id >= $2::bigint AND pool_id = $1::bigint RETURNING id
)
SELECT max(id) FROM gone
