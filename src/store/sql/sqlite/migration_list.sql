-- -> version, name, checksum
SELECT version, name, checksum FROM stk_migration ORDER BY version;
