-- What each limit of an authority has used up, and until when it is closed.
-- How much it allows stands in stoker.yaml; what is in use is counted from the
-- attempts that are alive, never kept here. Times are nanoseconds since 1970.
CREATE TABLE limiter (
    name            TEXT    PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    tat             INTEGER NOT NULL, -- GCRA: theoretical arrival time
    interval_ns     INTEGER NOT NULL, -- 0: as configured
    interval_at     INTEGER NOT NULL,
    turn_at         INTEGER NOT NULL,
    blocked_until   INTEGER NOT NULL,
    reason          TEXT,
    episode         INTEGER NOT NULL,
    episode_at      INTEGER NOT NULL,
    strikes         INTEGER NOT NULL CHECK (strikes >= 0),
    half_open       INTEGER NOT NULL CHECK (half_open IN (0, 1)),
    errors          INTEGER NOT NULL CHECK (errors >= 0),
    errors_since    INTEGER NOT NULL,
    cap_learned     INTEGER NOT NULL CHECK (cap_learned >= 0),
    cap_until       INTEGER NOT NULL,
    cap_probe_at    INTEGER NOT NULL,
    window_from     INTEGER NOT NULL,
    used            INTEGER NOT NULL CHECK (used >= 0),
    set_per_window  INTEGER NOT NULL CHECK (set_per_window >= -1),
    set_concurrency INTEGER NOT NULL CHECK (set_concurrency >= -1),
    set_by          TEXT,
    changed_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW limits AS
SELECT name,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(blocked_until, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', blocked_until / 1000000 % 1000) AS blocked_until,
       reason, strikes, used, nullif(cap_learned, 0) AS concurrency_learned,
       nullif(set_per_window, -1) AS set_per_window,
       nullif(set_concurrency, -1) AS set_concurrency, set_by
  FROM limiter;
