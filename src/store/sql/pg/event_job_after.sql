-- $1 limit, $2 after this one, $3 job -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text, true: those before
-- which none can be added any more. An id says less than its transaction's number: it may be given late
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text, true
  FROM stoker.event
 WHERE job_id = $3::bigint
   AND (xid, id) > (coalesce((SELECT xid FROM stoker.event WHERE id <= $2::bigint ORDER BY id DESC LIMIT 1), 0),
                    $2::bigint)
   AND xid < (SELECT stoker.settled())
 ORDER BY xid, id
 LIMIT $1::bigint
