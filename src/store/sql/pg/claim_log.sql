-- $1 pool, $2 writer, $3 the jobs it has claimed in this transaction
INSERT INTO stoker.claim_log (pool_id, writer, ids) VALUES ($1::bigint, $2::bigint, $3::bigint[])
