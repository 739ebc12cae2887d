-- ?1 id, ?2 now
UPDATE pool SET beat_at = ?2 WHERE id = ?1 AND stopped_at IS NULL;
