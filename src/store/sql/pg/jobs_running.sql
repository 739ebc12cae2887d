-- $1 first id, $2 last id, $3 limit, $4 task or 0, $5 sweep or 0, $6 whether ascending -> id; those that run are
-- few, and are found by who runs them: what the pools wrote down with their last beat and claimed since, what
-- runs elsewhere
WITH alive AS MATERIALIZED (
    SELECT id, running FROM stoker.pool WHERE NOT rescued
), maybe AS MATERIALIZED (
    SELECT unnest(running) AS id FROM alive
     UNION
    SELECT unnest(l.ids) FROM stoker.claim_log l JOIN alive a ON a.id = l.pool_id
     UNION
    SELECT job_id FROM stoker.remote
)
SELECT j.id
  FROM maybe m
  JOIN stoker.job j ON j.id = m.id
 WHERE j.state = 'running' AND j.id BETWEEN $1::bigint AND $2::bigint
   AND ($4::bigint = 0 OR j.task_id = $4::bigint)
   AND ($5::bigint = 0 OR j.sweep_id = $5::bigint)
 ORDER BY CASE WHEN $6::boolean THEN j.id ELSE -j.id END
 LIMIT $3::bigint
