-- ?1 queue, ?2 priority, ?3 id, ?4 most -> how many
SELECT count(*)
  FROM (SELECT 1 FROM job WHERE due = 1 AND queue_id = ?1 AND priority > ?2
         UNION ALL
        SELECT 1 FROM job WHERE due = 1 AND queue_id = ?1 AND priority = ?2 AND id < ?3
         LIMIT ?4);
