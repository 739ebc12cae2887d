-- $1 watch, $2 pool: what that and earlier watches wanted of it is shipped
INSERT INTO stoker.watch_answer (pool_id, watch_id) VALUES ($2::bigint, $1::bigint)
    ON CONFLICT DO NOTHING
