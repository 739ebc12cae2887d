-- $1 first id, $2 last id, $3 limit -> id, name, task, spec, points, filled, created_at, when a job ended last
-- (0 or NULL: none), pending, running, completed, failed, cancelled; the newest first
WITH page AS MATERIALIZED (
    SELECT id, task_id, name, spec, points, filled, created_at
      FROM stoker.sweep
     WHERE id BETWEEN $1::bigint AND $2::bigint
     ORDER BY id DESC
     LIMIT $3::bigint
), counted AS (
    SELECT sweep_id, pending, running, completed, failed, cancelled, ended_at
      FROM stoker.job_count WHERE sweep_id IN (SELECT id FROM page)
     UNION ALL
    SELECT sweep_id, pending, running, completed, failed, cancelled, ended_at
      FROM stoker.job_delta WHERE sweep_id IN (SELECT id FROM page)
)
SELECT s.id, s.name, t.name, s.spec, s.points, s.filled, s.created_at, max(c.ended_at),
       coalesce(sum(c.pending), 0)::bigint, coalesce(sum(c.running), 0)::bigint,
       coalesce(sum(c.completed), 0)::bigint, coalesce(sum(c.failed), 0)::bigint,
       coalesce(sum(c.cancelled), 0)::bigint
  FROM page s
  LEFT JOIN stoker.task t ON t.id = s.task_id
  LEFT JOIN counted c ON c.sweep_id = s.id
 GROUP BY s.id, s.name, t.name, s.spec, s.points, s.filled, s.created_at
 ORDER BY s.id DESC
