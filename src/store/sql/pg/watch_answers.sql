-- $1 watch -> pools that have answered it, or a later one
SELECT DISTINCT pool_id FROM stoker.watch_answer WHERE watch_id >= $1::bigint
