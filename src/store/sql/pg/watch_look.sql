-- $1 pool, $2 above this id, $3 now -> until when it is watched (0: not), the newest watch, how many old lines it
-- wants
SELECT coalesce(max(until), 0), coalesce(max(id) FILTER (WHERE id > $2::bigint), 0),
       coalesce(max(lines) FILTER (WHERE id > $2::bigint), 0)
  FROM stoker.watch
 WHERE (pool_id = $1::bigint OR pool_id = 0) AND until > $3::bigint
