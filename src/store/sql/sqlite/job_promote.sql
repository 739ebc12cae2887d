-- ?1 now, ?2 limit
UPDATE job
   SET due = 1
 WHERE id IN (SELECT id FROM job
               WHERE due = 0 AND ready_at IS NOT NULL AND ready_at <= ?1
               ORDER BY ready_at
               LIMIT ?2);
