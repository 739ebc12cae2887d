-- $1 limit -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text, whether none can be added before it;
-- oldest first
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text, xid < (SELECT stoker.settled())
  FROM (SELECT * FROM stoker.event ORDER BY xid DESC, id DESC LIMIT $1::bigint) AS newest
 ORDER BY xid, id
