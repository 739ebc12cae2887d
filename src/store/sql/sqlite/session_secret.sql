-- ?1 name, ?2 0 credential, 1 work -> sealed or NULL, generation
SELECT CASE ?2 WHEN 0 THEN credential ELSE work END, generation FROM session WHERE name = ?1;
