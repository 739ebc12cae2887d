-- $1 now, $2 limit -> queue, rank, id
WITH picked AS MATERIALIZED (
    SELECT id FROM stoker.job
     WHERE NOT due AND ready_at IS NOT NULL AND ready_at <= $1::bigint
     ORDER BY ready_at
     LIMIT $2::bigint
       FOR UPDATE SKIP LOCKED
)
UPDATE stoker.job
   SET due = true
 WHERE id = ANY (ARRAY(SELECT id FROM picked))
RETURNING queue_id, rank, id
