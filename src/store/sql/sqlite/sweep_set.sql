-- ?1 id, ?2 spec, ?3 points, ?4 filled
UPDATE sweep
   SET spec = CASE WHEN json_valid(?2) THEN ?2 END,
       points = ?3, filled = ?4
 WHERE id = ?1;
