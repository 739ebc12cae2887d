-- -> how many counters differ from the rows they count
SELECT count(*)
  FROM (SELECT sweep_id, queue_id, task_id, state
          FROM (SELECT coalesce(sweep_id, 0) AS sweep_id, queue_id, task_id, state::text, count(*) AS n
                  FROM stoker.job
                 GROUP BY 1, 2, 3, 4
                 UNION ALL
                SELECT c.sweep_id, c.queue_id, c.task_id, by_state.state, -by_state.n
                  FROM stoker.counts_now c
                 CROSS JOIN LATERAL (VALUES ('pending', c.pending), ('running', c.running),
                                            ('completed', c.completed), ('failed', c.failed),
                                            ('cancelled', c.cancelled)) AS by_state(state, n)) AS both_sides
         GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0) AS wrong
