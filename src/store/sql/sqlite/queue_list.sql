-- -> id, name, paused, reason, actor, changed_at
SELECT id, name, paused, reason, actor, changed_at FROM queue ORDER BY name;
