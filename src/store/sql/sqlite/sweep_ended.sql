-- ?1 id, ?2 when jobs of it ended last
UPDATE sweep SET ended_at = ?2 WHERE id = ?1;
