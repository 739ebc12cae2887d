-- Sessions and limits, jobs that run at an authority, people, and what was said
-- to whom.
--
-- A job that runs elsewhere and waits for its next poll is parked: its state is
-- running, its worker 0 (0001 wants NOT NULL there), its row in remote has
-- parked = 1. Texts that are JSON are checked by the statements that write them,
-- as in 0001. Secrets are sealed before they come here (base/seal.h), passwords
-- and tokens hashed; no view shows any of them.

CREATE TABLE session (
    name            TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    state           TEXT    NOT NULL
                    CHECK (state IN ('none', 'valid', 'expiring', 'suspect', 'renewing',
                                     'needs_human', 'await_ready', 'challenge_open', 'finalizing',
                                     'auth_locked', 'unreachable', 'rejected', 'competing',
                                     'disabled')),
    resume_state    TEXT    NOT NULL
                    CHECK (resume_state IN ('none', 'valid', 'expiring', 'suspect', 'renewing',
                                            'needs_human', 'await_ready', 'challenge_open',
                                            'finalizing', 'auth_locked', 'unreachable', 'rejected',
                                            'competing', 'disabled')),
    generation      INTEGER NOT NULL CHECK (generation >= 0),
    issued_at       INTEGER,
    expires_at      INTEGER,
    deadline_at     INTEGER,
    changed_at      INTEGER,
    closed_at       INTEGER,
    reason          TEXT    NOT NULL,
    renewed_by      TEXT    NOT NULL,
    renewed_at      INTEGER,
    renew_tried     INTEGER NOT NULL,
    tries           INTEGER NOT NULL,
    try_at          INTEGER,
    checked_at      INTEGER,
    link            TEXT    NOT NULL,
    code            TEXT    NOT NULL,
    challenge_at    INTEGER,
    challenge_until INTEGER,
    poll_every_ns   INTEGER NOT NULL,
    challenges      INTEGER NOT NULL,
    ready_at        INTEGER,
    blocked_until   INTEGER,
    blocks          INTEGER NOT NULL,
    wish            TEXT    NOT NULL,
    wish_by         TEXT    NOT NULL,
    wish_at         INTEGER,
    epoch           INTEGER NOT NULL,
    keeper          TEXT    NOT NULL,
    lease_until     INTEGER,
    block_unknown   INTEGER NOT NULL CHECK (block_unknown IN (0, 1)), -- only a person unlocks
    credential      BLOB, -- sealed; NULL: none
    work            BLOB  -- sealed; the keeper's own
) STRICT;

-- The name "limit" is a word of SQL.
CREATE TABLE limiter (
    name            TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    tat             INTEGER NOT NULL,
    interval_ns     INTEGER NOT NULL,
    interval_at     INTEGER NOT NULL,
    turn_at         INTEGER NOT NULL,
    blocked_until   INTEGER NOT NULL,
    reason          TEXT    NOT NULL,
    episode         INTEGER NOT NULL,
    episode_at      INTEGER NOT NULL,
    strikes         INTEGER NOT NULL,
    half_open       INTEGER NOT NULL CHECK (half_open IN (0, 1)),
    errors          INTEGER NOT NULL,
    errors_since    INTEGER NOT NULL,
    cap_learned     INTEGER NOT NULL,
    cap_until       INTEGER NOT NULL,
    cap_probe_at    INTEGER NOT NULL,
    window_from     INTEGER NOT NULL,
    used            INTEGER NOT NULL,
    set_per_window  INTEGER NOT NULL, -- -1: as configured
    set_concurrency INTEGER NOT NULL, -- -1: as configured
    set_by          TEXT    NOT NULL,
    changed_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE remote (
    job_id       INTEGER PRIMARY KEY,
    queue_id     INTEGER NOT NULL,
    parked       INTEGER NOT NULL CHECK (parked IN (0, 1)),
    phase        TEXT    NOT NULL CHECK (phase IN ('submitting', 'adopting', 'handle', 'fetch')),
    submitted_at INTEGER NOT NULL,
    poll_at      INTEGER,
    seen_at      INTEGER NOT NULL,
    run_ns       INTEGER NOT NULL,
    polls        INTEGER NOT NULL,
    fails        INTEGER NOT NULL,
    gone         INTEGER NOT NULL CHECK (gone IN (0, 1)),
    cancel_told  INTEGER NOT NULL CHECK (cancel_told IN (0, 1)), -- a poll was given the cancel
    progress     REAL    NOT NULL,
    handle       TEXT,
    result       TEXT,
    CHECK (parked = 0 OR (poll_at IS NOT NULL AND phase <> 'submitting')),
    CHECK (phase <> 'handle' OR handle IS NOT NULL)
) STRICT;
CREATE INDEX remote_due ON remote (queue_id, poll_at) WHERE parked = 1;
CREATE INDEX remote_next ON remote (poll_at) WHERE parked = 1;

CREATE TABLE person (
    name          TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'researcher', 'operator', 'admin')),
    renews        TEXT    NOT NULL,
    totp_step     INTEGER NOT NULL,
    failures      INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT,
    password_hash TEXT,
    totp          BLOB -- sealed
) STRICT;

-- AUTOINCREMENT: the audit log names tokens by id, so none comes twice.
CREATE TABLE token (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    person     TEXT    NOT NULL,
    label      TEXT,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX token_person ON token (person);

-- Append-only. hash: BLAKE2b over prev and the other columns (sqlite/audit.c).
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    reason  TEXT,
    prev    BLOB    NOT NULL CHECK (length(prev) = 32),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_at_the_end BEFORE INSERT ON audit
WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TABLE notice (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL,
    subject  TEXT,
    key      TEXT    NOT NULL UNIQUE,
    tries    INTEGER NOT NULL DEFAULT 0,
    next_at  INTEGER, -- NULL: delivered or given up
    channels TEXT    NOT NULL, -- still to be served
    text     TEXT    NOT NULL,
    facts    TEXT    NOT NULL
) STRICT;
CREATE INDEX notice_due ON notice (next_at) WHERE next_at IS NOT NULL;

-- An attempt may end as ambiguous. A CHECK cannot be altered: a new table.
DROP VIEW attempts;
DROP VIEW jobs;
CREATE TABLE attempt_new (
    id          INTEGER PRIMARY KEY,
    job_id      INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    attempt_id  INTEGER, -- NULL once completed
    outcome     TEXT    NOT NULL
                CHECK (outcome IN ('completed', 'failed', 'failed_final', 'timed_out', 'throttled',
                                   'session_lost', 'interrupted', 'cancelled', 'unknown_task',
                                   'ambiguous')),
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
INSERT INTO attempt_new (id, job_id, retries, attempt, attempt_id, outcome, exit_status, pool_id,
                         worker, started_at, finished_at, error, result, tail)
SELECT id, job_id, retries, attempt, attempt_id, outcome, exit_status, pool_id,
       worker, started_at, finished_at, error, result, tail
  FROM attempt;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt;

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
       'p' || j.pool_id || '/w' || nullif(j.worker, 0) AS worker
  FROM job j
  LEFT JOIN task t ON t.id = j.task_id
  LEFT JOIN queue q ON q.id = j.queue_id;

CREATE VIEW attempts AS
SELECT a.job_id, a.retries, a.attempt, a.outcome, a.error, a.result, a.tail, a.exit_status,
       'p' || a.pool_id || '/w' || nullif(a.worker, 0) AS worker,
       strftime('%Y-%m-%dT%H:%M:%S', a.started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', a.started_at / 1000000 % 1000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', a.finished_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', a.finished_at / 1000000 % 1000) AS finished_at
  FROM attempt a
 UNION ALL
SELECT j.id, j.retries, j.attempt, j.state, NULL, j.result, NULL,
       NULL,
       'p' || j.pool_id || '/w' || nullif(j.worker, 0),
       strftime('%Y-%m-%dT%H:%M:%S', j.started_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.started_at / 1000000 % 1000),
       strftime('%Y-%m-%dT%H:%M:%S', j.finished_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', j.finished_at / 1000000 % 1000)
  FROM job j
 WHERE j.state IN ('running', 'completed');

CREATE VIEW sessions AS
SELECT name, state, generation,
       strftime('%Y-%m-%dT%H:%M:%S', issued_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', issued_at / 1000000 % 1000) AS issued_at,
       strftime('%Y-%m-%dT%H:%M:%S', expires_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', expires_at / 1000000 % 1000) AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', deadline_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', deadline_at / 1000000 % 1000) AS deadline_at,
       strftime('%Y-%m-%dT%H:%M:%S', changed_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', changed_at / 1000000 % 1000) AS changed_at,
       nullif(reason, '') AS reason, nullif(renewed_by, '') AS renewed_by,
       strftime('%Y-%m-%dT%H:%M:%S', renewed_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', renewed_at / 1000000 % 1000) AS renewed_at
  FROM session;

CREATE VIEW limits AS
SELECT name, nullif(interval_ns, 0) AS interval_ns,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(blocked_until, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', blocked_until / 1000000 % 1000) AS blocked_until,
       nullif(reason, '') AS reason, episode, strikes, half_open,
       nullif(cap_learned, 0) AS cap_learned,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(window_from, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', window_from / 1000000 % 1000) AS window_from,
       used, nullif(set_per_window, -1) AS set_per_window,
       nullif(set_concurrency, -1) AS set_concurrency, nullif(set_by, '') AS set_by,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(changed_at, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', changed_at / 1000000 % 1000) AS changed_at
  FROM limiter;

CREATE VIEW remotes AS
SELECT r.job_id, q.name AS queue, r.parked, r.phase, r.handle, r.result,
       strftime('%Y-%m-%dT%H:%M:%S', r.submitted_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', r.submitted_at / 1000000 % 1000) AS submitted_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.poll_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', r.poll_at / 1000000 % 1000) AS poll_at,
       strftime('%Y-%m-%dT%H:%M:%S', nullif(r.seen_at, 0) / 1000000000, 'unixepoch')
           || printf('.%03dZ', r.seen_at / 1000000 % 1000) AS seen_at,
       r.run_ns, r.polls, r.fails, r.gone,
       CASE WHEN r.progress >= 0 THEN r.progress END AS progress
  FROM remote r
  LEFT JOIN queue q ON q.id = r.queue_id;

CREATE VIEW users AS
SELECT name, role, renews,
       strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000000, 'unixepoch')
           || printf('.%03dZ', created_at / 1000000 % 1000) AS created_at
  FROM person;

CREATE VIEW audit_log AS
SELECT id,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch')
           || printf('.%03dZ', at / 1000000 % 1000) AS at,
       actor, action, subject, reason
  FROM audit;
