-- ?1 id, ?2 channels left, ?3 next_at
UPDATE notice
   SET tries = tries + 1, channels = CASE WHEN json_valid(?2) THEN ?2 END, next_at = ?3
 WHERE id = ?1;
