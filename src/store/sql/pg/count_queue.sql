-- $1 queue -> pending, running
SELECT coalesce(sum(pending), 0)::bigint, coalesce(sum(running), 0)::bigint
  FROM stoker.counts_now
 WHERE queue_id = $1::bigint
