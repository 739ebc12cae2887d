-- $1 task, $2 after id, $3 limit, $4 now -> id, queue, rank
WITH picked AS MATERIALIZED (
    SELECT id
      FROM stoker.job
     WHERE task_id = $1::bigint AND held IS NOT NULL AND held = 'unknown_task' AND id > $2::bigint
     ORDER BY id
     LIMIT $3::bigint
       FOR UPDATE
)
UPDATE stoker.job j
   SET held = NULL, ready_at = $4::bigint, due = true
  FROM picked p
 WHERE j.id = p.id
RETURNING j.id, j.queue_id, j.rank
