-- $1 id, $2 channels left, $3 next_at
UPDATE stoker.notice
   SET tries = tries + 1, channels = $2::text, next_at = $3::bigint
 WHERE id = $1::bigint
