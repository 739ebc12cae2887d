-- $1 now, $2 limit -> id, at, event, subject, key, text, facts, tries, next_at, channels left; oldest first
SELECT id, at, event, subject, key, text, facts, tries, next_at, channels
  FROM stoker.notice
 WHERE next_at <= $1::bigint
 ORDER BY id
 LIMIT $2::bigint
