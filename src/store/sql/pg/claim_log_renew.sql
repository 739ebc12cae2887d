-- $1 pool, $2 from this id on, $3 the jobs in its workers' hands: one row instead of all that it has
-- noted before -> its id; none while there are no jobs
WITH gone AS (
    DELETE FROM stoker.claim_log
     WHERE id >= $2::bigint AND pool_id = $1::bigint
)
INSERT INTO stoker.claim_log (pool_id, ids)
SELECT $1::bigint, $3::bigint[]
 WHERE cardinality($3::bigint[]) > 0
RETURNING id
