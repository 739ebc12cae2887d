-- $1 ids -> id, state, task, queue, sweep, rank, pool; nobody else changes them until this transaction ends
SELECT id, state::text, task_id, queue_id, sweep_id, rank, pool_id
  FROM stoker.job
 WHERE id = ANY ($1::bigint[])
 ORDER BY id
   FOR UPDATE
