-- ?1 name
INSERT INTO queue (name) VALUES (?1);
