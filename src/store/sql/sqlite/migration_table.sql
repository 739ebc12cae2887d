-- which migrations have run; checksum: of their text
CREATE TABLE IF NOT EXISTS stk_migration (
    version    INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    checksum   TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
