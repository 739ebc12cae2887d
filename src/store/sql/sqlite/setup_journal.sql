-- -> the mode it is in now, 'wal' when all is well
PRAGMA journal_mode = WAL;
