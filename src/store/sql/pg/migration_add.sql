-- $1 version, $2 name, $3 checksum -> now
INSERT INTO stoker.migration (version, name, checksum, applied_at)
VALUES ($1::bigint, $2::text, $3::text, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)
RETURNING applied_at
