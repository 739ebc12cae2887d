-- $1 below this id, $2 limit -> id, at, actor, action, subject, reason; the newest first
SELECT id, at, actor, action, subject, reason
  FROM stoker.audit
 WHERE id < $1::bigint
 ORDER BY id DESC
 LIMIT $2::bigint
