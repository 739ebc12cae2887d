-- ?1 id, ?2 now, ?3 ended
UPDATE pool SET stopped_at = ?2, ended = ?3 WHERE id = ?1 AND stopped_at IS NULL;
