-- ?1 id, ?2 paused, ?3 reason, ?4 actor, ?5 now
UPDATE queue SET paused = ?2, reason = ?3, actor = ?4, changed_at = ?5 WHERE id = ?1;
