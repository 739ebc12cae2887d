-- $1 task's name -> the mean run time of its newest completed jobs, or NULL
SELECT avg(ns)::bigint
  FROM (SELECT finished_at - started_at AS ns
          FROM stoker.job
         WHERE task_id = (SELECT id FROM stoker.task WHERE name = $1::text) AND shelf = 1
           AND state = 'completed'
         ORDER BY id DESC
         LIMIT 100) AS newest
