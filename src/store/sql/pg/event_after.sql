-- $1 limit, $2 above this id -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text; of transactions that cannot add any before
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM stoker.event
 WHERE id > $2::bigint AND xid < txid_snapshot_xmin(txid_current_snapshot())
 ORDER BY id
 LIMIT $1::bigint
