-- which migrations have run; checksum: of their text
CREATE TABLE IF NOT EXISTS stoker.migration (
    version    integer PRIMARY KEY,
    name       text    NOT NULL,
    checksum   text    NOT NULL,
    applied_at bigint  NOT NULL
)
