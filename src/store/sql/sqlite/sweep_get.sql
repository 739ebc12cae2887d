-- ?1 id -> id, name, task, spec, points, filled, created_at, ended_at, task id
SELECT s.id, s.name, t.name, s.spec, s.points, s.filled, s.created_at, s.ended_at, s.task_id
  FROM sweep s
  LEFT JOIN task t ON t.id = s.task_id
 WHERE s.id = ?1;
