-- $1 above this id, $2 limit -> id, at, actor, action, subject, reason, prev, hash; the oldest first
SELECT id, at, actor, action, subject, reason, prev, hash
  FROM stoker.audit
 WHERE id > $1::bigint
 ORDER BY id
 LIMIT $2::bigint
