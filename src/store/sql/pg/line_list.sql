-- $1 pool or 0, $2 above this id, $3 limit -> id, pool, job, at, worker, text; of transactions that cannot add
-- any before
SELECT id, pool_id, job_id, at, worker, text
  FROM stoker.console_line
 WHERE id > $2::bigint AND ($1::bigint = 0 OR pool_id = $1::bigint)
   AND xid < txid_snapshot_xmin(txid_current_snapshot())
 ORDER BY id
 LIMIT $3::bigint
