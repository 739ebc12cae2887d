-- $1 at, $2 kind, $3 job, $4 sweep, $5 pool, $6 queue, $7 actor, $8 text
INSERT INTO stoker.event (at, kind, job_id, sweep_id, pool_id, queue, actor, text)
VALUES ($1::bigint, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::text, $7::text, $8::text)
