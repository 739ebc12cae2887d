-- $1 task's name -> the mean run time of its newest completed jobs, or NULL; said as in jobs_task
SELECT avg(newest.ns)::bigint
  FROM stoker.task t
 CROSS JOIN LATERAL (
       SELECT finished_at - started_at AS ns
         FROM stoker.job
        WHERE task_id = ANY (ARRAY[t.id]) AND shelf >= 1 AND shelf <= 1
          AND state = 'completed'
        ORDER BY task_id DESC, shelf DESC, id DESC
        LIMIT 100) AS newest
 WHERE t.name = $1::text
