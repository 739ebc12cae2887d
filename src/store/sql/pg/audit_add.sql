-- $1 id, $2 now, $3 actor, $4 action, $5 subject, $6 reason, $7 prev, $8 hash
INSERT INTO stoker.audit (id, at, actor, action, subject, reason, prev, hash)
VALUES ($1::bigint, $2::bigint, $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bytea)
