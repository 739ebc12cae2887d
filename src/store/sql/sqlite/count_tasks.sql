-- -> queue, task, state, n; by queue and task
SELECT q.name, t.name, k.state, sum(k.n)
  FROM job_count k
  JOIN queue q ON q.id = k.queue_id
  JOIN task t ON t.id = k.task_id
 GROUP BY q.name, t.name, k.state
HAVING sum(k.n) > 0;
