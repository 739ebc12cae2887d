-- $1 pool, $2 the jobs it has claimed in this transaction
INSERT INTO stoker.claim_log (pool_id, ids) VALUES ($1::bigint, $2::bigint[])
