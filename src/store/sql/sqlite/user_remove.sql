-- ?1 name
DELETE FROM person WHERE name = ?1;
