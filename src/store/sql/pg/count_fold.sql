-- $1 limit -> how many changes were added up; those that another adds up are passed over, and the counters
-- are written in one order, so that two never wait for each other
WITH picked AS MATERIALIZED (
     SELECT id FROM stoker.job_delta ORDER BY id LIMIT $1::bigint FOR UPDATE SKIP LOCKED),
gone AS (
     DELETE FROM stoker.job_delta d USING picked p WHERE d.id = p.id
     RETURNING d.sweep_id, d.queue_id, d.task_id, d.pending, d.running, d.completed, d.failed,
               d.cancelled, d.ended_at),
added AS (
     INSERT INTO stoker.job_count AS k (sweep_id, queue_id, task_id, pending, running, completed,
                                        failed, cancelled, ended_at)
     SELECT sweep_id, queue_id, task_id, sum(pending), sum(running), sum(completed), sum(failed),
            sum(cancelled), max(ended_at)
       FROM gone
      GROUP BY sweep_id, queue_id, task_id
      ORDER BY sweep_id, queue_id, task_id
         ON CONFLICT (sweep_id, queue_id, task_id) DO UPDATE
        SET pending = k.pending + excluded.pending, running = k.running + excluded.running,
            completed = k.completed + excluded.completed, failed = k.failed + excluded.failed,
            cancelled = k.cancelled + excluded.cancelled,
            ended_at = greatest(k.ended_at, excluded.ended_at))
SELECT count(*) FROM gone
