-- All of stoker's tables, functions and views, in the schema "stoker".
--
-- The same rules as on SQLite (sqlite/0001, 0002); what differs, and why:
--
-- * Nothing that completing a job changes is in an index or its predicate, so
--   that update is HOT: no index entry is written for it. That is why no index
--   speaks of state, attempt_id, finished_at or result.
-- * Counters are kept as changes that are only ever inserted (job_delta): a row
--   that every transaction updates would make all pools wait for each other's
--   commit, and behind a held snapshot its versions could not be removed.
--   tend adds them up into job_count; who reads sums both.
-- * due and rank: claim walks (queue_id, rank, id) of the due ones, beginning at
--   a floor (pg/claim.c). rank is ~priority, so that smaller is sooner.
-- * pool.lease_until, claim_log: see pg/rescue.c.
-- * Times are nanoseconds since 1970, UTC, by this database's clock.
CREATE TYPE stoker.job_state AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled');

CREATE TABLE stoker.queue (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text    NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 128),
    paused     boolean NOT NULL DEFAULT false,
    reason     text,
    actor      text,
    changed_at bigint  NOT NULL DEFAULT 0
);

CREATE TABLE stoker.task (
    id       integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name     text    NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 128),
    queue_id integer NOT NULL
);

CREATE TABLE stoker.sweep (
    id         bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    task_id    integer NOT NULL,
    name       text,
    points     bigint  NOT NULL CHECK (points >= 0),
    filled     boolean NOT NULL DEFAULT false,
    created_at bigint  NOT NULL,
    spec       text    NOT NULL
);
CREATE INDEX sweep_unfilled ON stoker.sweep (id) WHERE NOT filled;

CREATE SEQUENCE stoker.job_id;
CREATE TABLE stoker.job (
    id            bigint  NOT NULL DEFAULT nextval('stoker.job_id') PRIMARY KEY,
    sweep_id      bigint,
    attempt_id    bigint,
    pool_id       bigint,
    ready_at      bigint,
    created_at    bigint  NOT NULL,
    started_at    bigint,
    finished_at   bigint,
    state         stoker.job_state NOT NULL DEFAULT 'pending',
    task_id       integer NOT NULL,
    queue_id      integer NOT NULL,
    rank          integer NOT NULL, -- ~priority
    attempt       integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    throttles     integer NOT NULL DEFAULT 0,
    session_waits integer NOT NULL DEFAULT 0,
    interruptions integer NOT NULL DEFAULT 0,
    retries       integer NOT NULL DEFAULT 0, -- how often a person put it back
    worker        integer,
    due           boolean NOT NULL,               -- in the index that claim walks
    cancel        boolean NOT NULL DEFAULT false,
    shelf         smallint NOT NULL GENERATED ALWAYS AS (
                  CASE state WHEN 'pending' THEN 0 WHEN 'running' THEN 1 WHEN 'completed' THEN 1
                             WHEN 'failed' THEN 2 ELSE 3 END) STORED, -- see job_task
    held          text,
    key           text,
    identity      bytea, -- of its parameters, in a sweep
    params        text    NOT NULL,
    result        text,
    error         text,
    CONSTRAINT job_running_attempt CHECK ((state = 'running') = (attempt_id IS NOT NULL)),
    CONSTRAINT job_running_place CHECK (state <> 'running' OR (pool_id IS NOT NULL AND worker IS NOT NULL
                                                               AND started_at IS NOT NULL)),
    CONSTRAINT job_pending_place CHECK (state <> 'pending' OR (pool_id IS NULL AND worker IS NULL
                                                               AND started_at IS NULL)),
    CONSTRAINT job_pending_ready CHECK (state <> 'pending' OR (ready_at IS NULL) = (held IS NOT NULL)),
    CONSTRAINT job_only_pending_ready CHECK (state = 'pending' OR (ready_at IS NULL AND held IS NULL AND NOT due)),
    CONSTRAINT job_due_ready CHECK (NOT due OR ready_at IS NOT NULL),
    CONSTRAINT job_final_finished CHECK ((state <> 'pending' AND state <> 'running') = (finished_at IS NOT NULL)),
    CONSTRAINT job_result_completed CHECK (result IS NULL OR state = 'completed'),
    CONSTRAINT job_completed_error CHECK (state <> 'completed' OR error IS NULL),
    CONSTRAINT job_failed_error CHECK (state <> 'failed' OR error IS NOT NULL),
    CONSTRAINT job_sweep_identity CHECK ((sweep_id IS NULL) = (identity IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02,
        autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER SEQUENCE stoker.job_id OWNED BY stoker.job.id;

-- What claim walks; what promote walks; what lists by task, by state and of sweeps
-- walk. A claim writes all of them but the last: one more costs a tenth of the
-- throughput. So which jobs a pool runs is in claim_log. A shelf
-- holds the jobs of one state, except that those running and completed share one,
-- which completing does not change: a list of a state passes no other, however many.
CREATE INDEX job_due ON stoker.job (queue_id, rank, id) WHERE due;
CREATE INDEX job_wait ON stoker.job (ready_at) WHERE NOT due AND ready_at IS NOT NULL;
CREATE INDEX job_task ON stoker.job (task_id, shelf, id);
CREATE INDEX job_held ON stoker.job (task_id, id) WHERE held IS NOT NULL;
CREATE INDEX job_sweep ON stoker.job (sweep_id, shelf, id) WHERE sweep_id IS NOT NULL;
CREATE UNIQUE INDEX job_key ON stoker.job (task_id, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX job_identity ON stoker.job (sweep_id, identity) WHERE sweep_id IS NOT NULL;

-- The first of n ids in a row. The lock is held for this statement only, so
-- that it works behind a pooler; a sequence by itself gives no rows of ids.
CREATE FUNCTION stoker.take_job_ids(n bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = stoker, pg_temp AS $$
DECLARE
    first bigint;
BEGIN
    PERFORM pg_advisory_lock(7370, 1);
    first := nextval('stoker.job_id');
    IF n > 1 THEN
        PERFORM setval('stoker.job_id', first + n - 1);
    END IF;
    PERFORM pg_advisory_unlock(7370, 1);
    RETURN first;
EXCEPTION WHEN query_canceled OR OTHERS THEN
    PERFORM pg_advisory_unlock(7370, 1);
    RAISE;
END $$;

-- How many jobs are in which state: what was added up, and changes since.
-- sweep_id 0: jobs outside a sweep. ended_at: of the last job that ended.
CREATE TABLE stoker.job_count (
    sweep_id  bigint  NOT NULL,
    queue_id  integer NOT NULL,
    task_id   integer NOT NULL,
    pending   bigint  NOT NULL,
    running   bigint  NOT NULL,
    completed bigint  NOT NULL,
    failed    bigint  NOT NULL,
    cancelled bigint  NOT NULL,
    ended_at  bigint  NOT NULL,
    PRIMARY KEY (sweep_id, queue_id, task_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE TABLE stoker.job_delta (
    id        bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    sweep_id  bigint  NOT NULL,
    queue_id  integer NOT NULL,
    task_id   integer NOT NULL,
    pending   bigint  NOT NULL,
    running   bigint  NOT NULL,
    completed bigint  NOT NULL,
    failed    bigint  NOT NULL,
    cancelled bigint  NOT NULL,
    ended_at  bigint  NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
CREATE VIEW stoker.counts_now AS
SELECT sweep_id, queue_id, task_id, sum(pending)::bigint AS pending, sum(running)::bigint AS running,
       sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
       sum(cancelled)::bigint AS cancelled, max(ended_at) AS ended_at
  FROM (SELECT sweep_id, queue_id, task_id, pending, running, completed, failed, cancelled, ended_at
          FROM stoker.job_count
         UNION ALL
        SELECT sweep_id, queue_id, task_id, pending, running, completed, failed, cancelled, ended_at
          FROM stoker.job_delta) AS both_tables
 GROUP BY sweep_id, queue_id, task_id;

-- Attempts that did not complete, and those a person's retry took from the job.
-- The attempt under way, or the one that completed, is in the job's own row.
CREATE TABLE stoker.attempt (
    id          bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id      bigint  NOT NULL,
    attempt_id  bigint, -- NULL once completed
    pool_id     bigint,
    started_at  bigint  NOT NULL,
    finished_at bigint  NOT NULL,
    retries     integer NOT NULL,
    attempt     integer NOT NULL,
    exit_status integer,
    worker      integer,
    outcome     text    NOT NULL
                CHECK (outcome IN ('completed', 'failed', 'failed_final', 'timed_out', 'throttled',
                                   'session_lost', 'interrupted', 'cancelled', 'unknown_task',
                                   'ambiguous')),
    error       text,
    result      text,
    tail        text,
    CHECK (result IS NULL OR outcome = 'completed'),
    UNIQUE (job_id, attempt_id)
);

-- state, reason, per_s: what it said with its last beat (model/pool_state.h).
CREATE TABLE stoker.pool (
    id          bigint   PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    host        text     NOT NULL,
    pid         bigint   NOT NULL,
    workers     integer  NOT NULL,
    started_at  bigint   NOT NULL,
    beat_at     bigint   NOT NULL,
    lease_until bigint   NOT NULL,
    stopped_at  bigint,
    ended       text     CHECK (ended IN ('stopped', 'lost')),
    state       text     NOT NULL DEFAULT 'running'
                         CHECK (state IN ('running', 'draining', 'waiting', 'stopping')),
    reason      text,
    per_s       double precision NOT NULL DEFAULT 0,
    rescued     boolean  NOT NULL DEFAULT false, -- ended, and none of its jobs is running any more
    CHECK ((stopped_at IS NULL) = (ended IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX pool_alive ON stoker.pool (id) WHERE NOT rescued;

-- The jobs in a pool's hands: those at its last beat in one row, and a row for each transaction
-- that has claimed since.
CREATE TABLE stoker.claim_log (
    id      bigint   PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    pool_id bigint   NOT NULL,
    ids     bigint[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);

-- Which server this was when a pool last looked, and what a pool found missing; see pg/past.h.
CREATE TABLE stoker.past (
    id       smallint PRIMARY KEY CHECK (id = 1),
    system   bigint NOT NULL,
    timeline bigint NOT NULL,
    xid      bigint NOT NULL,
    seen_at  bigint NOT NULL,
    lost_at  bigint,
    lost     text,
    CHECK ((lost_at IS NULL) = (lost IS NULL))
);

-- Running jobs that somebody wants stopped, until their pool has heard of it.
CREATE TABLE stoker.cancel_ask (
    job_id  bigint PRIMARY KEY,
    pool_id bigint NOT NULL
);

-- Rows become visible out of the order of their ids, so who follows them goes by
-- the number of their transaction, and reads those below this one: the oldest
-- that is under way and might still add some. One that is known to be of another
-- database never will; one that cannot be seen any more has to be waited for.
CREATE FUNCTION stoker.settled() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(min(under_way), txid_snapshot_xmax(txid_current_snapshot()))
      FROM txid_snapshot_xip(txid_current_snapshot()) AS under_way
     WHERE NOT EXISTS (
           SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
              AND l.transactionid::text::bigint = under_way % 4294967296
              AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))
$$;
CREATE TABLE stoker.event (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       bigint NOT NULL,
    job_id   bigint,
    sweep_id bigint,
    pool_id  bigint,
    xid      bigint NOT NULL DEFAULT txid_current(),
    kind     text   NOT NULL,
    queue    text,
    actor    text,
    text     text   NOT NULL
);
CREATE INDEX event_xid ON stoker.event (xid, id);
CREATE INDEX event_job ON stoker.event (job_id, id) WHERE job_id IS NOT NULL;

-- version: raised by each write, so that who wrote what it read long ago is refused.
CREATE TABLE stoker.session (
    name            text    PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 128),
    state           text    NOT NULL
                    CHECK (state IN ('none', 'valid', 'expiring', 'suspect', 'renewing',
                              'needs_human', 'await_ready', 'challenge_open', 'finalizing',
                              'auth_locked', 'unreachable', 'rejected', 'competing', 'disabled')),
    resume_state    text    NOT NULL
                    CHECK (resume_state IN ('none', 'valid', 'expiring', 'suspect', 'renewing',
                              'needs_human', 'await_ready', 'challenge_open', 'finalizing',
                              'auth_locked', 'unreachable', 'rejected', 'competing', 'disabled')),
    generation      bigint  NOT NULL CHECK (generation >= 0),
    issued_at       bigint,
    expires_at      bigint,
    deadline_at     bigint,
    changed_at      bigint,
    closed_at       bigint,
    reason          text    NOT NULL,
    renewed_by      text    NOT NULL,
    renewed_at      bigint,
    renew_tried     bigint  NOT NULL,
    tries           bigint  NOT NULL,
    try_at          bigint,
    checked_at      bigint,
    link            text    NOT NULL,
    code            text    NOT NULL,
    challenge_at    bigint,
    challenge_until bigint,
    poll_every_ns   bigint  NOT NULL,
    challenges      bigint  NOT NULL,
    ready_at        bigint,
    blocked_until   bigint,
    blocks          bigint  NOT NULL,
    wish            text    NOT NULL,
    wish_by         text    NOT NULL,
    wish_at         bigint,
    epoch           bigint  NOT NULL,
    keeper          text    NOT NULL,
    lease_until     bigint,
    block_unknown   boolean NOT NULL, -- only a person unlocks
    version         bigint  NOT NULL DEFAULT 1,
    credential      bytea, -- sealed; NULL: none
    work            bytea  -- sealed; the keeper's own
) WITH (fillfactor = 50);

CREATE TABLE stoker.limiter (
    name            text    PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 128),
    tat             bigint  NOT NULL,
    interval_ns     bigint  NOT NULL,
    interval_at     bigint  NOT NULL,
    turn_at         bigint  NOT NULL,
    blocked_until   bigint  NOT NULL,
    reason          text    NOT NULL,
    episode         bigint  NOT NULL,
    episode_at      bigint  NOT NULL,
    strikes         bigint  NOT NULL,
    half_open       boolean NOT NULL,
    errors          bigint  NOT NULL,
    errors_since    bigint  NOT NULL,
    cap_learned     bigint  NOT NULL,
    cap_until       bigint  NOT NULL,
    cap_probe_at    bigint  NOT NULL,
    window_from     bigint  NOT NULL,
    used            bigint  NOT NULL,
    set_per_window  bigint  NOT NULL, -- -1: as configured
    set_concurrency bigint  NOT NULL, -- -1: as configured
    set_by          text    NOT NULL,
    changed_at      bigint  NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE stoker.remote (
    job_id       bigint  PRIMARY KEY,
    queue_id     integer NOT NULL,
    parked       boolean NOT NULL,
    phase        text    NOT NULL CHECK (phase IN ('submitting', 'adopting', 'handle', 'fetch')),
    submitted_at bigint  NOT NULL,
    poll_at      bigint,
    seen_at      bigint  NOT NULL,
    run_ns       bigint  NOT NULL,
    polls        bigint  NOT NULL,
    fails        bigint  NOT NULL,
    gone         boolean NOT NULL,
    cancel_told  boolean NOT NULL, -- a poll was given the cancel
    progress     double precision NOT NULL,
    handle       text,
    result       text,
    CHECK (NOT parked OR (poll_at IS NOT NULL AND phase <> 'submitting')),
    CHECK (phase <> 'handle' OR handle IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX remote_due ON stoker.remote (queue_id, poll_at) WHERE parked;
CREATE INDEX remote_next ON stoker.remote (poll_at) WHERE parked;
CREATE INDEX remote_busy ON stoker.remote (job_id) WHERE NOT parked;

CREATE TABLE stoker.person (
    name          text   PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 128),
    role          text   NOT NULL CHECK (role IN ('viewer', 'researcher', 'operator', 'admin')),
    renews        text   NOT NULL,
    totp_step     bigint NOT NULL,
    failures      bigint NOT NULL,
    blocked_until bigint NOT NULL,
    created_at    bigint NOT NULL,
    created_by    text,
    password_hash text,
    totp          bytea -- sealed
);

CREATE TABLE stoker.token (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    person     text   NOT NULL,
    label      text,
    hash       bytea  NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at bigint NOT NULL,
    expires_at bigint
);
CREATE INDEX token_person ON stoker.token (person);

-- Append-only. hash: BLAKE2b over prev and the other columns (pg/audit.c).
CREATE TABLE stoker.audit (
    id      bigint PRIMARY KEY,
    at      bigint NOT NULL,
    actor   text   NOT NULL,
    action  text   NOT NULL,
    subject text   NOT NULL,
    reason  text,
    prev    bytea  NOT NULL CHECK (octet_length(prev) = 32),
    hash    bytea  NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE FUNCTION stoker.audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = stoker, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stoker.audit
    FOR EACH STATEMENT EXECUTE FUNCTION stoker.audit_refuse();
CREATE FUNCTION stoker.audit_at_the_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = stoker, pg_temp AS $$
BEGIN
    IF NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM stoker.audit) THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_at_the_end BEFORE INSERT ON stoker.audit
    FOR EACH ROW EXECUTE FUNCTION stoker.audit_at_the_end();

CREATE TABLE stoker.notice (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       bigint NOT NULL,
    tries    bigint NOT NULL DEFAULT 0,
    next_at  bigint, -- NULL: delivered or given up
    event    text   NOT NULL,
    subject  text,
    key      text   NOT NULL UNIQUE,
    channels text   NOT NULL, -- still to be served
    text     text   NOT NULL,
    facts    text   NOT NULL
);
CREATE INDEX notice_due ON stoker.notice (next_at) WHERE next_at IS NOT NULL;

-- Consoles of other machines, while somebody watches: nothing that must survive.
CREATE UNLOGGED TABLE stoker.watch (
    id      bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    pool_id bigint  NOT NULL, -- 0: all
    lines   bigint  NOT NULL,
    until   bigint  NOT NULL
);
CREATE UNLOGGED TABLE stoker.watch_answer (
    pool_id  bigint NOT NULL,
    watch_id bigint NOT NULL,
    PRIMARY KEY (pool_id, watch_id)
);
CREATE UNLOGGED TABLE stoker.console_line (
    id      bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    pool_id bigint  NOT NULL,
    job_id  bigint,
    at      bigint  NOT NULL,
    shipped bigint  NOT NULL, -- when it came here, which may be long after
    xid     bigint  NOT NULL DEFAULT txid_current(),
    worker  integer NOT NULL,
    text    text    NOT NULL
);
CREATE INDEX console_line_xid ON stoker.console_line (xid, id);

-- One job, submitted inside the caller's own transaction: from another program,
-- from a trigger on new data. It is there when that transaction commits. The id
-- of the job; of the one that has the key already, when it has the same
-- parameters. No notification is sent: within that transaction it would make all
-- who commit wait for each other; pools find the job with their next poll.
CREATE FUNCTION stoker.submit(task text, params jsonb DEFAULT '{}', priority integer DEFAULT 0,
                              key text DEFAULT NULL, ready_at timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SET search_path = stoker, pg_temp AS $$
#variable_conflict use_column
DECLARE
    now_ns   bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000;
    ready_ns bigint := coalesce((extract(epoch FROM submit.ready_at) * 1000000)::bigint * 1000, 0);
    known    stoker.task;
    new_id   bigint;
    old_id   bigint; -- of the job that has the key; the rest of it is not read, as a
    old_same boolean; -- role that may only submit has no right to see results
BEGIN
    SELECT * INTO known FROM stoker.task t WHERE t.name = submit.task;
    IF known IS NULL THEN
        RAISE EXCEPTION 'stoker knows no task "%": a pool makes it known with its stoker.yaml', submit.task
              USING ERRCODE = 'undefined_object';
    END IF;
    IF submit.params IS NULL OR jsonb_typeof(submit.params) <> 'object' THEN
        RAISE EXCEPTION 'params must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(submit.params::text) > 65536 THEN
        RAISE EXCEPTION 'params have more than 64 KiB' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    IF octet_length(submit.key) NOT BETWEEN 1 AND 128 THEN
        RAISE EXCEPTION 'a key has 1 to 128 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO stoker.job (task_id, queue_id, rank, due, ready_at, created_at, key, params)
    VALUES (known.id, known.queue_id, ~coalesce(submit.priority, 0), ready_ns <= now_ns,
            greatest(ready_ns, now_ns), now_ns, submit.key, submit.params::text)
        ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        SELECT j.id, j.params::jsonb = submit.params INTO old_id, old_same
          FROM stoker.job j WHERE j.task_id = known.id AND j.key = submit.key;
        IF old_id IS NULL THEN
            RAISE EXCEPTION 'key "%" is being submitted by another transaction: try again', submit.key
                  USING ERRCODE = 'serialization_failure';
        END IF;
        IF NOT old_same THEN
            RAISE EXCEPTION 'key "%" is taken by job % with other parameters', submit.key, old_id
                  USING ERRCODE = 'unique_violation';
        END IF;
        RETURN old_id;
    END IF;
    INSERT INTO stoker.job_delta (sweep_id, queue_id, task_id, pending, running, completed, failed, cancelled, ended_at)
    VALUES (0, known.queue_id, known.id, 1, 0, 0, 0, 0, 0);
    RETURN new_id;
END $$;

-- The views: stable, documented, the same on every engine.
CREATE FUNCTION stoker.rfc3339(ns bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_char(timestamp '1970-01-01' + (ns / 1000000) * interval '1 millisecond',
                   'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE VIEW stoker.jobs AS
SELECT j.id, t.name AS task, q.name AS queue, j.sweep_id, j.state::text AS state, ~j.rank AS priority,
       j.params::json AS params, j.result::json AS result, j.error,
       j.attempt, j.throttles, j.session_waits, j.interruptions,
       stoker.rfc3339(j.created_at) AS created_at, stoker.rfc3339(j.ready_at) AS ready_at,
       stoker.rfc3339(j.started_at) AS started_at, stoker.rfc3339(j.finished_at) AS finished_at,
       'p' || j.pool_id || '/w' || nullif(j.worker, 0) AS worker
  FROM stoker.job j
  LEFT JOIN stoker.task t ON t.id = j.task_id
  LEFT JOIN stoker.queue q ON q.id = j.queue_id;

CREATE VIEW stoker.sweeps AS
SELECT s.id, s.name, t.name AS task, s.spec::json AS spec, s.points, s.filled::integer AS filled,
       stoker.rfc3339(s.created_at) AS created_at,
       CASE WHEN s.filled AND c.pending + c.running = 0
            THEN stoker.rfc3339(nullif(c.ended_at, 0)) END AS finished_at,
       c.pending, c.running, c.completed, c.failed, c.cancelled
  FROM stoker.sweep s
  LEFT JOIN stoker.task t ON t.id = s.task_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(k.pending), 0)::bigint AS pending, coalesce(sum(k.running), 0)::bigint AS running,
              coalesce(sum(k.completed), 0)::bigint AS completed, coalesce(sum(k.failed), 0)::bigint AS failed,
              coalesce(sum(k.cancelled), 0)::bigint AS cancelled, max(k.ended_at) AS ended_at
         FROM stoker.counts_now k WHERE k.sweep_id = s.id) c;

CREATE VIEW stoker.attempts AS
SELECT a.job_id, a.retries, a.attempt, a.outcome, a.error, a.result::json AS result, a.tail, a.exit_status,
       'p' || a.pool_id || '/w' || nullif(a.worker, 0) AS worker,
       stoker.rfc3339(a.started_at) AS started_at, stoker.rfc3339(a.finished_at) AS finished_at
  FROM stoker.attempt a
 UNION ALL
SELECT j.id, j.retries, j.attempt, j.state::text, NULL, j.result::json, NULL, NULL,
       'p' || j.pool_id || '/w' || nullif(j.worker, 0),
       stoker.rfc3339(j.started_at), stoker.rfc3339(j.finished_at)
  FROM stoker.job j
 WHERE j.state IN ('running', 'completed');

CREATE VIEW stoker.events AS
SELECT id, stoker.rfc3339(at) AS at, kind, job_id, sweep_id, 'p' || pool_id AS pool, queue, actor, text
  FROM stoker.event;

CREATE VIEW stoker.pools AS
SELECT id, 'p' || id AS name, host, pid, workers, stoker.rfc3339(started_at) AS started_at,
       stoker.rfc3339(beat_at) AS beat_at, stoker.rfc3339(stopped_at) AS stopped_at, ended,
       CASE WHEN ended IS NULL THEN state END AS state,
       CASE WHEN ended IS NULL THEN reason END AS reason,
       CASE WHEN ended IS NULL THEN per_s END AS per_s
  FROM stoker.pool;

CREATE VIEW stoker.queues AS
SELECT id, name, paused::integer AS paused, reason, actor, stoker.rfc3339(nullif(changed_at, 0)) AS changed_at
  FROM stoker.queue;

CREATE VIEW stoker.sessions AS
SELECT name, state, generation, stoker.rfc3339(issued_at) AS issued_at, stoker.rfc3339(expires_at) AS expires_at,
       stoker.rfc3339(deadline_at) AS deadline_at, stoker.rfc3339(changed_at) AS changed_at,
       nullif(reason, '') AS reason, nullif(renewed_by, '') AS renewed_by,
       stoker.rfc3339(renewed_at) AS renewed_at
  FROM stoker.session;

CREATE VIEW stoker.limits AS
SELECT name, nullif(interval_ns, 0) AS interval_ns, stoker.rfc3339(nullif(blocked_until, 0)) AS blocked_until,
       nullif(reason, '') AS reason, episode, strikes, half_open::integer AS half_open,
       nullif(cap_learned, 0) AS cap_learned, stoker.rfc3339(nullif(window_from, 0)) AS window_from,
       used, nullif(set_per_window, -1) AS set_per_window, nullif(set_concurrency, -1) AS set_concurrency,
       nullif(set_by, '') AS set_by, stoker.rfc3339(nullif(changed_at, 0)) AS changed_at
  FROM stoker.limiter;

CREATE VIEW stoker.remotes AS
SELECT r.job_id, q.name AS queue, r.parked::integer AS parked, r.phase, r.handle, r.result,
       stoker.rfc3339(r.submitted_at) AS submitted_at, stoker.rfc3339(r.poll_at) AS poll_at,
       stoker.rfc3339(nullif(r.seen_at, 0)) AS seen_at, r.run_ns, r.polls, r.fails,
       r.gone::integer AS gone, CASE WHEN r.progress >= 0 THEN r.progress END AS progress
  FROM stoker.remote r
  LEFT JOIN stoker.queue q ON q.id = r.queue_id;

CREATE VIEW stoker.users AS
SELECT name, role, renews, stoker.rfc3339(created_at) AS created_at FROM stoker.person;

CREATE VIEW stoker.audit_log AS
SELECT id, stoker.rfc3339(at) AS at, actor, action, subject, reason FROM stoker.audit;
