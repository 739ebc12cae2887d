-- $1 id -> id, NULL when another transaction has it; whether there is one
SELECT (SELECT id FROM stoker.sweep WHERE id = $1::bigint FOR NO KEY UPDATE SKIP LOCKED),
       EXISTS (SELECT FROM stoker.sweep WHERE id = $1::bigint)
