-- -> queue_id, pending, running
SELECT queue_id,
       coalesce(sum(n) FILTER (WHERE state = 'pending'), 0),
       coalesce(sum(n) FILTER (WHERE state = 'running'), 0)
  FROM job_count
 GROUP BY queue_id;
