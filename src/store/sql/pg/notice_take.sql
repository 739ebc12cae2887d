-- $1 now, $2 limit, $3 until when they are ours -> id, at, event, subject, key, text, facts, tries, next_at, channels left; oldest first
WITH picked AS MATERIALIZED (
    SELECT id FROM stoker.notice
     WHERE next_at <= $1::bigint
     ORDER BY id
     LIMIT $2::bigint
       FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE stoker.notice SET next_at = $3::bigint WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING id, at, event, subject, key, text, facts, tries, next_at, channels
)
SELECT id, at, event, subject, key, text, facts, tries, next_at, channels FROM taken ORDER BY id
