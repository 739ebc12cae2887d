-- $1 limit -> id, at, kind, job_id, sweep_id, pool_id, queue, actor, text; oldest first
SELECT id, at, kind, job_id, sweep_id, pool_id, queue, actor, text
  FROM (SELECT * FROM stoker.event ORDER BY id DESC LIMIT $1::bigint) AS newest
 ORDER BY id
