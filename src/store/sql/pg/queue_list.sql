-- -> id, name, paused, reason, actor, changed_at; by name
SELECT id, name, paused, reason, actor, changed_at FROM stoker.queue ORDER BY name COLLATE "C"
