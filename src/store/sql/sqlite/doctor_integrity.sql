-- -> 'ok', or what is wrong, line by line
PRAGMA integrity_check(10);
