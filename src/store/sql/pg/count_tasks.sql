-- -> queue, task, jobs by state
SELECT q.name, t.name, coalesce(sum(pending), 0)::bigint, coalesce(sum(running), 0)::bigint,
       coalesce(sum(completed), 0)::bigint, coalesce(sum(failed), 0)::bigint,
       coalesce(sum(cancelled), 0)::bigint
  FROM stoker.counts_now c
  JOIN stoker.queue q ON q.id = c.queue_id
  JOIN stoker.task t ON t.id = c.task_id
 GROUP BY q.name, t.name
HAVING sum(pending) <> 0 OR sum(running) <> 0 OR sum(completed) <> 0 OR sum(failed) <> 0
    OR sum(cancelled) <> 0
 ORDER BY q.name COLLATE "C", t.name COLLATE "C"
