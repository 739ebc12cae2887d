-- ?1 name, ?2 0 credential, 1 work, ?3 sealed or NULL
UPDATE session
   SET credential = CASE ?2 WHEN 0 THEN ?3 ELSE credential END,
       work = CASE ?2 WHEN 0 THEN work ELSE ?3 END
 WHERE name = ?1;
