-- -> how many counters differ from the rows they count
SELECT count(*)
  FROM (SELECT sweep_id, queue_id, task_id, state, sum(n) AS n
          FROM (SELECT coalesce(sweep_id, 0) AS sweep_id, queue_id, task_id, state, count(*) AS n
                  FROM job
                 GROUP BY 1, 2, 3, 4
                 UNION ALL
                SELECT sweep_id, queue_id, task_id, state, -n FROM job_count)
         GROUP BY 1, 2, 3, 4)
 WHERE n <> 0;
