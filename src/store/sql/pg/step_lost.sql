-- $1 after id, $2 limit, $3 the pool that is alive -> id, attempt id, attempt, interruptions, cancel, pool, task,
-- phase (NULL: not remote), submitted_at: running jobs of pools that have ended, but not parked ones, which no
-- pool holds; each is looked up by its key, as nobody can guess how few they are
WITH gone AS MATERIALIZED (
    SELECT id FROM stoker.pool
     WHERE NOT rescued AND stopped_at IS NOT NULL AND id <> $3::bigint
), maybe AS MATERIALIZED (
    SELECT DISTINCT unnest(l.ids) AS id FROM stoker.claim_log l JOIN gone g ON g.id = l.pool_id
)
SELECT j.id, j.attempt_id, j.attempt, j.interruptions, j.cancel, j.pool_id, t.name, r.phase,
       r.submitted_at
  FROM maybe m
 CROSS JOIN LATERAL (
       SELECT id, attempt_id, attempt, interruptions, cancel, pool_id, task_id
         FROM stoker.job
        WHERE id = m.id AND state = 'running' AND pool_id IN (SELECT id FROM gone)
          AND NOT EXISTS (SELECT FROM stoker.remote p WHERE p.job_id = m.id AND p.parked)
          FOR UPDATE SKIP LOCKED) AS j
  JOIN stoker.task t ON t.id = j.task_id
  LEFT JOIN stoker.remote r ON r.job_id = j.id
 WHERE m.id > $1::bigint
 ORDER BY j.id
 LIMIT $2::bigint
