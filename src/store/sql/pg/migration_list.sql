-- -> version, name, checksum
SELECT version, name, checksum FROM stoker.migration ORDER BY version
