-- ?1 task, ?2 name, ?3 points, ?4 now, ?5 spec
INSERT INTO sweep (task_id, name, points, created_at, spec)
VALUES (?1, ?2, ?3, ?4, CASE WHEN json_valid(?5) THEN ?5 END);
