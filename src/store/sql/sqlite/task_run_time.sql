-- ?1 task's name -> the mean run time of its newest completed jobs, or NULL
SELECT CAST(avg(ns) AS INTEGER)
  FROM (SELECT finished_at - started_at AS ns
          FROM job INDEXED BY job_state
         WHERE task_id = (SELECT id FROM task WHERE name = ?1) AND state = 'completed'
         ORDER BY id DESC
         LIMIT 100);
