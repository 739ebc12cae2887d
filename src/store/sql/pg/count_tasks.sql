-- -> queue, task, pending, running, completed, failed, cancelled; by queue and task
SELECT q.name, t.name, sum(k.pending)::bigint, sum(k.running)::bigint, sum(k.completed)::bigint,
       sum(k.failed)::bigint, sum(k.cancelled)::bigint
  FROM stoker.counts_now k
  JOIN stoker.queue q ON q.id = k.queue_id
  JOIN stoker.task t ON t.id = k.task_id
 GROUP BY q.name, t.name
HAVING sum(k.pending + k.running + k.completed + k.failed + k.cancelled) > 0
 ORDER BY q.name COLLATE "C", t.name COLLATE "C"
