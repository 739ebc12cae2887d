-- $1 after id -> the oldest id above it whose points are not all in
SELECT id FROM stoker.sweep WHERE NOT filled AND id > $1::bigint ORDER BY id LIMIT 1
