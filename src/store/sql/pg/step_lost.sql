-- $1 after id, $2 limit, $3 the pool that is alive -> id, attempt id, attempt, interruptions, cancel, pool, task,
-- phase (NULL: not remote), submitted_at: running jobs of pools that have ended, but not parked ones, which no
-- pool holds
WITH gone AS MATERIALIZED (
    SELECT id, running FROM stoker.pool
     WHERE NOT rescued AND stopped_at IS NOT NULL AND id <> $3::bigint
), maybe AS MATERIALIZED (
    SELECT unnest(running) AS id FROM gone
     UNION
    SELECT unnest(l.ids) FROM stoker.claim_log l JOIN gone g ON g.id = l.pool_id
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
