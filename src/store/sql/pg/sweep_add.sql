-- $1 task, $2 name, $3 points, $4 now, $5 spec -> id
INSERT INTO stoker.sweep (task_id, name, points, created_at, spec)
VALUES ($1::bigint, $2::text, $3::bigint, $4::bigint, $5::text)
RETURNING id
