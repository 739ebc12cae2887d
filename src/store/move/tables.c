/* SPDX-License-Identifier: MIT */
#include "store/move/tables.h"

#define COLUMNS(name) static const struct stk_move_column name[]
#define END                         \
    {                               \
        NULL, STK_MOVE_NUMBER, NULL \
    }

/* clang-format off */
#define N STK_MOVE_NUMBER, NULL
#define F STK_MOVE_FLAG,   NULL
#define T STK_MOVE_TEXT,   NULL
#define B STK_MOVE_BYTES,  NULL
#define R STK_MOVE_REAL,   NULL

COLUMNS(queue) = {
    { "id", N }, { "name", T }, { "paused", F }, { "reason", T }, { "actor", T }, { "changed_at", N }, END
};
COLUMNS(task) = { { "id", N }, { "name", T }, { "queue_id", N }, END };
COLUMNS(sweep) = {
    { "id", N }, { "task_id", N }, { "name", T }, { "points", N }, { "filled", F }, { "created_at", N },
    { "spec", T }, END
};
COLUMNS(job) = {
    { "id", N }, { "sweep_id", N }, { "attempt_id", N }, { "pool_id", N }, { "ready_at", N },
    { "created_at", N }, { "started_at", N }, { "finished_at", N }, { "state", T }, { "task_id", N },
    { "queue_id", N }, { "rank", STK_MOVE_NUMBER, "~priority" }, { "attempt", N }, { "throttles", N },
    { "session_waits", N }, { "interruptions", N }, { "retries", N }, { "worker", N }, { "due", F },
    { "cancel", F }, { "held", T },
    { "key", T }, { "identity", B }, { "params", T }, { "result", T }, { "error", T }, END
};
/* One row there for the up to five here; the sweep's last end goes with it. */
COLUMNS(job_count) = {
    { "sweep_id", N }, { "queue_id", N }, { "task_id", N }, { "pending", N }, { "running", N },
    { "completed", N }, { "failed", N }, { "cancelled", N }, { "ended_at", N }, END
};
static const char counts_here[] =
    "SELECT k.sweep_id, k.queue_id, k.task_id,"
    " coalesce(sum(k.n) FILTER (WHERE k.state = 'pending'), 0) AS pending,"
    " coalesce(sum(k.n) FILTER (WHERE k.state = 'running'), 0) AS running,"
    " coalesce(sum(k.n) FILTER (WHERE k.state = 'completed'), 0) AS completed,"
    " coalesce(sum(k.n) FILTER (WHERE k.state = 'failed'), 0) AS failed,"
    " coalesce(sum(k.n) FILTER (WHERE k.state = 'cancelled'), 0) AS cancelled,"
    " coalesce(max(s.ended_at), 0) AS ended_at"
    " FROM job_count k LEFT JOIN sweep s ON s.id = k.sweep_id"
    " GROUP BY k.sweep_id, k.queue_id, k.task_id";
COLUMNS(attempt) = {
    { "id", N }, { "job_id", N }, { "attempt_id", N }, { "pool_id", N }, { "started_at", N },
    { "finished_at", N }, { "retries", N }, { "attempt", N }, { "exit_status", N }, { "worker", N },
    { "outcome", T }, { "error", T }, { "result", T }, { "tail", T }, END
};
/* A pool that died here has no lease there: the first one gives its jobs back. */
COLUMNS(pool) = {
    { "id", N }, { "host", T }, { "pid", N }, { "workers", N }, { "started_at", N }, { "beat_at", N },
    { "lease_until", STK_MOVE_NUMBER, "coalesce(stopped_at, 0)" }, { "stopped_at", N }, { "ended", T },
    { "rescued", STK_MOVE_FLAG, "stopped_at IS NOT NULL" }, END
};
/* There it is found by what it had claimed; what is parked is in nobody's hands. */
COLUMNS(claim_log) = { { "id", N }, { "pool_id", N }, { "ids", T }, END };
static const char in_hands[] =
    "SELECT p.id AS id, p.id AS pool_id, '{' || group_concat(j.id) || '}' AS ids"
    " FROM pool p JOIN job j ON j.pool_id = p.id AND j.state = 'running' AND j.worker > 0"
    " WHERE p.stopped_at IS NULL GROUP BY p.id";
COLUMNS(event) = {
    { "id", N }, { "at", N }, { "job_id", N }, { "sweep_id", N }, { "pool_id", N }, { "kind", T },
    { "queue", T }, { "actor", T }, { "text", T }, END
};
/* Its keeper here is gone, though the row calls its lease endless. */
COLUMNS(session) = {
    { "name", T }, { "state", T }, { "resume_state", T }, { "generation", N }, { "issued_at", N },
    { "expires_at", N }, { "deadline_at", N }, { "changed_at", N }, { "closed_at", N }, { "reason", T },
    { "renewed_by", T }, { "renewed_at", N }, { "renew_tried", N }, { "tries", N }, { "try_at", N },
    { "checked_at", N }, { "link", T }, { "code", T }, { "challenge_at", N }, { "challenge_until", N },
    { "poll_every_ns", N }, { "challenges", N }, { "ready_at", N }, { "blocked_until", N },
    { "blocks", N }, { "wish", T }, { "wish_by", T }, { "wish_at", N }, { "epoch", N }, { "keeper", T },
    { "lease_until", STK_MOVE_NUMBER, "0" }, { "block_unknown", F }, { "credential", B }, { "work", B }, END
};
COLUMNS(limiter) = {
    { "name", T }, { "tat", N }, { "interval_ns", N }, { "interval_at", N }, { "turn_at", N },
    { "blocked_until", N }, { "reason", T }, { "episode", N }, { "episode_at", N }, { "strikes", N },
    { "half_open", F }, { "errors", N }, { "errors_since", N }, { "cap_learned", N }, { "cap_until", N },
    { "cap_probe_at", N }, { "window_from", N }, { "used", N }, { "set_per_window", N },
    { "set_concurrency", N }, { "set_by", T }, { "changed_at", N }, END
};
COLUMNS(remote) = {
    { "job_id", N }, { "queue_id", N }, { "parked", F }, { "phase", T }, { "submitted_at", N },
    { "poll_at", N }, { "seen_at", N }, { "run_ns", N }, { "polls", N }, { "fails", N }, { "gone", F },
    { "cancel_told", F }, { "progress", R }, { "handle", T }, { "result", T }, END
};
COLUMNS(person) = {
    { "name", T }, { "role", T }, { "renews", T }, { "totp_step", N }, { "failures", N },
    { "blocked_until", N }, { "created_at", N }, { "created_by", T }, { "password_hash", T },
    { "totp", B }, END
};
COLUMNS(token) = {
    { "id", N }, { "person", T }, { "label", T }, { "hash", B }, { "created_at", N }, { "expires_at", N }, END
};
COLUMNS(audit) = {
    { "id", N }, { "at", N }, { "actor", T }, { "action", T }, { "subject", T }, { "reason", T },
    { "prev", B }, { "hash", B }, END
};
COLUMNS(notice) = {
    { "id", N }, { "at", N }, { "tries", N }, { "next_at", N }, { "event", T }, { "subject", T },
    { "key", T }, { "channels", T }, { "text", T }, { "facts", T }, END
};

static const struct stk_move_table tables[] = {
    { "queue",     "id",                          true,  NULL,            NULL,        queue,     NULL },
    { "task",      "id",                          true,  NULL,            NULL,        task,      NULL },
    { "sweep",     "id",                          true,  NULL,            NULL,        sweep,     NULL },
    { "job",       "id",                          true,  "stoker.job_id", NULL,        job,       NULL },
    { "job_count", "sweep_id, queue_id, task_id", false, NULL,            counts_here, job_count, NULL },
    { "attempt",   "id",                          true,  NULL,            NULL,        attempt,   NULL },
    { "pool",      "id",                          true,  NULL,            NULL,        pool,      NULL },
    { "claim_log", "id",                          true,  NULL,            in_hands,    claim_log, NULL },
    { "event",     "id",                          true,  NULL,            NULL,        event,     "kind = 'store.migrated'" },
    { "session",   "name",                        false, NULL,            NULL,        session,   NULL },
    { "limiter",   "name",                        false, NULL,            NULL,        limiter,   NULL },
    { "remote",    "job_id",                      false, NULL,            NULL,        remote,    NULL },
    { "person",    "name",                        false, NULL,            NULL,        person,    NULL },
    { "token",     "id",                          true,  NULL,            NULL,        token,     NULL },
    { "audit",     "id",                          false, NULL,            NULL,        audit,     NULL },
    { "notice",    "id",                          true,  NULL,            NULL,        notice,    NULL },
};
/* clang-format on */

size_t stk_move_tables(const struct stk_move_table **ret)
{
    *ret = tables;
    return STK_ARRAY_LEN(tables);
}
