-- ?1 version, ?2 name, ?3 checksum, ?4 now
INSERT INTO stk_migration (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4);
