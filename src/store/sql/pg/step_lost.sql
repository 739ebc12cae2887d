-- $1 after id, $2 limit, $3 the pool that is alive -> id, attempt id, attempt, interruptions, cancel, pool, task,
-- phase (NULL: not remote), submitted_at: running jobs of pools that have ended, but not parked ones, which no
-- pool holds; a minute covers claims whose commit the last beat did not see
WITH gone AS MATERIALIZED (
    SELECT id, beat_at, running FROM stoker.pool
     WHERE NOT rescued AND stopped_at IS NOT NULL AND id <> $3::bigint
), maybe AS MATERIALIZED (
    SELECT unnest(running) AS id FROM gone
     UNION
    SELECT j.id FROM gone g
      JOIN stoker.job j ON j.pool_id = g.id AND j.started_at >= g.beat_at - 60000000000
     UNION
    SELECT job_id FROM stoker.remote WHERE NOT parked
)
SELECT j.id, j.attempt_id, j.attempt, j.interruptions, j.cancel, j.pool_id, t.name, r.phase,
       r.submitted_at
  FROM maybe m
  JOIN stoker.job j ON j.id = m.id
  JOIN stoker.task t ON t.id = j.task_id
  LEFT JOIN stoker.remote r ON r.job_id = j.id
 WHERE j.id > $1::bigint AND j.state = 'running' AND NOT coalesce(r.parked, false)
   AND j.pool_id IN (SELECT id FROM gone)
 ORDER BY j.id
 LIMIT $2::bigint
   FOR UPDATE OF j SKIP LOCKED
