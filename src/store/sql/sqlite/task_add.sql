-- ?1 name, ?2 queue_id
INSERT INTO task (name, queue_id) VALUES (?1, ?2);
