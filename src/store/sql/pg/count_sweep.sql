-- $1 sweep -> pending, running, completed, failed, cancelled
SELECT coalesce(sum(pending), 0)::bigint, coalesce(sum(running), 0)::bigint,
       coalesce(sum(completed), 0)::bigint, coalesce(sum(failed), 0)::bigint,
       coalesce(sum(cancelled), 0)::bigint
  FROM stoker.counts_now
 WHERE sweep_id = $1::bigint
