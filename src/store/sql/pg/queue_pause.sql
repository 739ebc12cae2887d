-- $1 name, $2 paused, $3 reason, $4 actor, $5 now
UPDATE stoker.queue
   SET paused = $2::boolean, reason = $3::text, actor = $4::text, changed_at = $5::bigint
 WHERE name = $1::text
