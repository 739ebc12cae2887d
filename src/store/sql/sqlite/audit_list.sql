-- ?1 below this id, ?2 limit -> id, at, actor, action, subject, reason; the newest first
SELECT id, at, actor, action, subject, reason
  FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2;
