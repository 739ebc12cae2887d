-- $1 limit, $2 above this id, $3 job -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM stoker.event
 WHERE job_id = $3::bigint AND id > $2::bigint AND xid < txid_snapshot_xmin(txid_current_snapshot())
 ORDER BY id
 LIMIT $1::bigint
