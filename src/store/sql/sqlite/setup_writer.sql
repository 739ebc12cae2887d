-- options of the one connection that writes and checkpoints; page_size only tells on an empty file
PRAGMA page_size = 4096;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA mmap_size = 0;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -65536;
PRAGMA journal_size_limit = 67108864;
PRAGMA wal_autocheckpoint = 0;
