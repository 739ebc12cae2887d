-- adds changes up; several may do so at once, each with rows of its own
WITH picked AS MATERIALIZED (
    SELECT id FROM stoker.job_delta ORDER BY id LIMIT 20000 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM stoker.job_delta WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING sweep_id, queue_id, task_id, pending, running, completed, failed, cancelled, ended_at
)
INSERT INTO stoker.job_count AS c (sweep_id, queue_id, task_id, pending, running, completed, failed,
                                   cancelled, ended_at)
SELECT sweep_id, queue_id, task_id, sum(pending), sum(running), sum(completed), sum(failed),
       sum(cancelled), max(ended_at)
  FROM gone
 GROUP BY sweep_id, queue_id, task_id
 ORDER BY sweep_id, queue_id, task_id
    ON CONFLICT (sweep_id, queue_id, task_id) DO UPDATE
   SET pending = c.pending + excluded.pending, running = c.running + excluded.running,
       completed = c.completed + excluded.completed, failed = c.failed + excluded.failed,
       cancelled = c.cancelled + excluded.cancelled,
       ended_at = greatest(c.ended_at, excluded.ended_at)
