-- $1 now, $2 what was found
UPDATE stoker.past SET lost_at = $1::bigint, lost = $2::text
