-- $1 pool, $2 writer, $3 from this id on, $4 the jobs in its workers' hands: one row instead of all that it has
-- noted before -> its id; none while there are no jobs
WITH gone AS (
    DELETE FROM stoker.claim_log
     WHERE id >= $3::bigint AND pool_id = $1::bigint AND writer = $2::bigint
)
INSERT INTO stoker.claim_log (pool_id, writer, ids)
SELECT $1::bigint, $2::bigint, $4::bigint[]
 WHERE cardinality($4::bigint[]) > 0
RETURNING id
