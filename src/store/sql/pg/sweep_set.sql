-- $1 id, $2 spec, $3 points, $4 filled
UPDATE stoker.sweep
   SET spec = $2::text, points = $3::bigint, filled = $4::boolean
 WHERE id = $1::bigint
