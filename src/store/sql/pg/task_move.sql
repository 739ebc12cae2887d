-- $1 id, $2 queue
UPDATE stoker.task SET queue_id = $2::bigint WHERE id = $1::bigint
