-- $1 host, $2 pid, $3 workers, $4 now, $5 lease_until -> id
INSERT INTO stoker.pool (host, pid, workers, started_at, beat_at, lease_until)
VALUES ($1::text, $2::bigint, $3::bigint, $4::bigint, $4::bigint, $5::bigint)
RETURNING id
