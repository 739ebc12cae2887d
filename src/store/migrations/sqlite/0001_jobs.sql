-- The jobs, what became of them, and the views that people read.
--
-- Times are nanoseconds since 1970, UTC. The states and the ties between state,
-- attempt_id, ready_at and finished_at repeat model/lifecycle.h: whatever a
-- program does, a row that breaks them is not written. The columns that change
-- stand first, the long texts last, so that a scan reads no overflow page. That
-- params, result and spec are JSON is checked by the statements that write them:
-- SQLite 3.40 allows no json_valid() in a schema that is not trusted. And no
-- CHECK of job says IN (a, b, c): SQLite would fill a table for it at each row,
-- twice the cost of the row itself.
PRAGMA application_id = 1398033234; -- "STKR"

CREATE TABLE queue (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 128),
    paused     INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    reason     TEXT,
    actor      TEXT,
    changed_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE task (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 128),
    queue_id INTEGER NOT NULL
) STRICT;

CREATE TABLE sweep (
    id         INTEGER PRIMARY KEY,
    task_id    INTEGER NOT NULL,
    name       TEXT,
    points     INTEGER NOT NULL CHECK (points >= 0),
    filled     INTEGER NOT NULL DEFAULT 0 CHECK (filled IN (0, 1)),
    created_at INTEGER NOT NULL,
    ended_at   INTEGER, -- when the last of its jobs that has ended did so
    spec       TEXT    NOT NULL
) STRICT;

CREATE TABLE job (
    id            INTEGER PRIMARY KEY,
    task_id       INTEGER NOT NULL,
    queue_id      INTEGER NOT NULL,
    sweep_id      INTEGER,
    state         TEXT    NOT NULL
                  CHECK (state = 'pending' OR state = 'running' OR state = 'completed'
                         OR state = 'failed' OR state = 'cancelled'),
    due           INTEGER NOT NULL CHECK (due IN (0, 1)), -- 1: in the index that claim walks
    priority      INTEGER NOT NULL,
    ready_at      INTEGER,
    held          TEXT,
    attempt_id    INTEGER,
    attempt       INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    throttles     INTEGER NOT NULL DEFAULT 0,
    session_waits INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    retries       INTEGER NOT NULL DEFAULT 0, -- how often a person put it back
    cancel        INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
    pool_id       INTEGER,
    worker        INTEGER,
    created_at    INTEGER NOT NULL,
    started_at    INTEGER,
    finished_at   INTEGER,
    key           TEXT,
    identity      BLOB, -- of its parameters, in a sweep
    params        TEXT    NOT NULL,
    result        TEXT,
    error         TEXT,
    CHECK ((state = 'running') = (attempt_id IS NOT NULL)),
    CHECK (state <> 'running' OR (pool_id IS NOT NULL AND worker IS NOT NULL AND started_at IS NOT NULL)),
    CHECK (state <> 'pending' OR (pool_id IS NULL AND worker IS NULL AND started_at IS NULL)),
    CHECK (state <> 'pending' OR (ready_at IS NULL) = (held IS NOT NULL)),
    CHECK (state = 'pending' OR (ready_at IS NULL AND held IS NULL AND due = 0)),
    CHECK (due = 0 OR ready_at IS NOT NULL),
    CHECK ((state <> 'pending' AND state <> 'running') = (finished_at IS NOT NULL)),
    CHECK (result IS NULL OR state = 'completed'),
    CHECK (state <> 'completed' OR error IS NULL),
    CHECK (state <> 'failed' OR error IS NOT NULL),
    CHECK ((sweep_id IS NULL) = (identity IS NULL))
) STRICT;

-- What claim walks, what promote walks, what lists walk. Every index ends with
-- the row's id by itself, so each state of a task, and each sweep, is in order
-- of id. A state, whichever is rare, is found by asking task by task.
CREATE INDEX job_due ON job (queue_id, priority DESC) WHERE due = 1;
CREATE INDEX job_wait ON job (ready_at) WHERE due = 0 AND ready_at IS NOT NULL;
CREATE INDEX job_state ON job (task_id, state);
CREATE INDEX job_sweep ON job (sweep_id) WHERE sweep_id IS NOT NULL;
CREATE INDEX job_held ON job (task_id) WHERE held IS NOT NULL;
CREATE UNIQUE INDEX job_key ON job (task_id, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX job_identity ON job (sweep_id, identity) WHERE sweep_id IS NOT NULL;

-- How many jobs are in which state, written in the transaction that moves them.
CREATE TABLE job_count (
    sweep_id INTEGER NOT NULL, -- 0: jobs outside a sweep
    queue_id INTEGER NOT NULL,
    task_id  INTEGER NOT NULL,
    state    TEXT    NOT NULL
             CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    n        INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (sweep_id, queue_id, task_id, state)
) STRICT, WITHOUT ROWID;

-- Attempts that did not complete, and those a person's retry took from the job.
-- The attempt under way, or the one that completed, is in the job's own row.
CREATE TABLE attempt (
    id          INTEGER PRIMARY KEY,
    job_id      INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    attempt_id  INTEGER, -- NULL once completed
    outcome     TEXT    NOT NULL
                CHECK (outcome IN ('completed', 'failed', 'failed_final', 'timed_out', 'throttled',
                                   'session_lost', 'interrupted', 'cancelled', 'unknown_task')),
    exit_status INTEGER,
    pool_id     INTEGER,
    worker      INTEGER,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    error       TEXT,
    result      TEXT,
    tail        TEXT,
    CHECK (result IS NULL OR outcome = 'completed'),
    UNIQUE (job_id, attempt_id)
) STRICT;

CREATE TABLE pool (
    id         INTEGER PRIMARY KEY,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    workers    INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    beat_at    INTEGER NOT NULL,
    stopped_at INTEGER,
    ended      TEXT CHECK (ended IN ('stopped', 'lost')),
    CHECK ((stopped_at IS NULL) = (ended IS NULL))
) STRICT;
CREATE INDEX pool_alive ON pool (id) WHERE stopped_at IS NULL;

CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    job_id   INTEGER,
    sweep_id INTEGER,
    pool_id  INTEGER,
    queue    TEXT,
    actor    TEXT,
    text     TEXT    NOT NULL
) STRICT;
CREATE INDEX event_job ON event (job_id) WHERE job_id IS NOT NULL;

-- The views: stable, documented, the same on every engine. A time is written
-- without rounding, as base/timetext does.
CREATE VIEW jobs AS
SELECT j.id, t.name AS task, q.name AS queue, j.sweep_id, j.state, j.priority,
       j.params, j.result, j.error,
       j.attempt, j.throttles, j.session_waits, j.interruptions,
       strftime('%Y-%m-%dT%H:%M:%S', j.created_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.created_at / 1000000 % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', j.ready_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.ready_at / 1000000 % 1000) AS ready_at,
       strftime('%Y-%m-%dT%H:%M:%S', j.started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.started_at / 1000000 % 1000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', j.finished_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.finished_at / 1000000 % 1000) AS finished_at,
       'p' || j.pool_id || '/w' || j.worker AS worker
  FROM job j
  LEFT JOIN task t ON t.id = j.task_id
  LEFT JOIN queue q ON q.id = j.queue_id;

CREATE VIEW sweeps AS
SELECT s.id, s.name, t.name AS task, s.spec, s.points, s.filled,
       strftime('%Y-%m-%dT%H:%M:%S', s.created_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', s.created_at / 1000000 % 1000) AS created_at,
       CASE WHEN s.filled = 1 AND c.pending + c.running = 0
            THEN strftime('%Y-%m-%dT%H:%M:%S', s.ended_at / 1000000000, 'unixepoch')
                     || printf('.%03dZ', s.ended_at / 1000000 % 1000)
       END AS finished_at,
       c.pending, c.running, c.completed, c.failed, c.cancelled
  FROM sweep s
  LEFT JOIN task t ON t.id = s.task_id
  JOIN (SELECT w.id AS sweep_id,
               coalesce(sum(n) FILTER (WHERE state = 'pending'), 0) AS pending,
               coalesce(sum(n) FILTER (WHERE state = 'running'), 0) AS running,
               coalesce(sum(n) FILTER (WHERE state = 'completed'), 0) AS completed,
               coalesce(sum(n) FILTER (WHERE state = 'failed'), 0) AS failed,
               coalesce(sum(n) FILTER (WHERE state = 'cancelled'), 0) AS cancelled
          FROM sweep w LEFT JOIN job_count k ON k.sweep_id = w.id
         GROUP BY w.id) c ON c.sweep_id = s.id;

CREATE VIEW attempts AS
SELECT a.job_id, a.retries, a.attempt, a.outcome, a.error, a.result, a.tail, a.exit_status,
       'p' || a.pool_id || '/w' || a.worker AS worker,
       strftime('%Y-%m-%dT%H:%M:%S', a.started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', a.started_at / 1000000 % 1000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', a.finished_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', a.finished_at / 1000000 % 1000) AS finished_at
  FROM attempt a
 UNION ALL
SELECT j.id, j.retries, j.attempt, j.state, NULL, j.result, NULL,
       NULL,
       'p' || j.pool_id || '/w' || j.worker,
       strftime('%Y-%m-%dT%H:%M:%S', j.started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.started_at / 1000000 % 1000),
       strftime('%Y-%m-%dT%H:%M:%S', j.finished_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.finished_at / 1000000 % 1000)
  FROM job j
 WHERE j.state IN ('running', 'completed');

CREATE VIEW events AS
SELECT id,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch')
           || printf('.%03dZ', at / 1000000 % 1000) AS at,
       kind, job_id, sweep_id, 'p' || pool_id AS pool, queue, actor, text
  FROM event;

CREATE VIEW pools AS
SELECT id, 'p' || id AS name, host, pid, workers,
       strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', started_at / 1000000 % 1000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', beat_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', beat_at / 1000000 % 1000) AS beat_at,
       strftime('%Y-%m-%dT%H:%M:%S', stopped_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', stopped_at / 1000000 % 1000) AS stopped_at,
       ended
  FROM pool;

CREATE VIEW queues AS
SELECT id, name, paused, reason, actor,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(changed_at, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', changed_at / 1000000 % 1000) AS changed_at
  FROM queue;
