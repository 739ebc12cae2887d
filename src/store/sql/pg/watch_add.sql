-- $1 pool or 0, $2 lines, $3 until, $4 now -> id; watches that have ended go, with their answers
WITH old AS (
    DELETE FROM stoker.watch WHERE until < $4::bigint
),
answered AS (
    DELETE FROM stoker.watch_answer a
     WHERE NOT EXISTS (SELECT FROM stoker.watch w WHERE w.id = a.watch_id AND w.until >= $4::bigint)
)
INSERT INTO stoker.watch (pool_id, lines, until)
VALUES ($1::bigint, $2::bigint, $3::bigint)
RETURNING id
