-- $1 pool or 0, $2 after this one, $3 limit -> id, pool, job, at, worker, text: in the order of event_after.sql
SELECT id, pool_id, job_id, at, worker, text
  FROM stoker.console_line
 WHERE (xid, id) > (coalesce((SELECT xid FROM stoker.console_line WHERE id <= $2::bigint ORDER BY id DESC LIMIT 1), 0),
                    $2::bigint)
   AND ($1::bigint = 0 OR pool_id = $1::bigint)
   AND xid < (SELECT stoker.settled())
 ORDER BY xid, id
 LIMIT $3::bigint
