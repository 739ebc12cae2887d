/* SPDX-License-Identifier: MIT
 *
 * store - the jobs at rest. One interface; SQLite or PostgreSQL behind it. Beside
 * it stand accounts.h (users, tokens, the audit log), notices.h, hints.h and
 * consoles.h (for the processes that share a store).
 *
 * The way of a job: submit inserts it pending; promote makes it claimable when
 * it is due; claim gives it an attempt id; settle ends the attempt, guarded by
 * that id; cancel and retry are what people do. All of these write, and stand
 * between stk_store_begin and stk_store_commit: one transaction may hold many
 * submits, then settles, then claims (a round of the desk). What a write hands
 * out (ids, accepted flags, claims) is true only once commit returned STK_OK.
 *
 * Memory:  stk_store_open makes, stk_store_close frees; NULL is a no-op.
 *          Structs given to a callback borrow their strings until it returns.
 *          Inputs are borrowed for the call.
 * Two kinds of store. SQLite: one process owns the file and has its only
 * writer. PostgreSQL: shared, any number of processes write; each transaction
 * sees what the others have committed, and nobody may trust its own clock
 * (stk_store_now) or its own life (stk_store_lease).
 *
 * Threads: one store per thread. One writer per SQLite file (the owner);
 *          readers in the same process open with read_only.
 * Errors:  STK_FULL (no room), STK_BUSY, STK_UNAVAILABLE may be tried again
 *          after rollback; STK_BUSY, another was in the way, at once.
 *          STK_CONFLICT, STK_NOT_FOUND, STK_BAD_DATA leave the
 *          transaction usable: nothing of the failed call is in it. After any
 *          other error roll back. A final CHECK or key in the schema stands
 *          behind every rule here.
 */
#ifndef STK_STORE_STORE_H
#define STK_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/event.h"
#include "model/lifecycle.h"
#include "model/limit.h"
#include "model/pool_state.h"
#include "model/progress.h"
#include "model/remote.h"
#include "model/session.h"

struct stk_store; /* opaque */

enum {
    STK_STORE_CHUNK = 1000,         /* rows of a bulk write in one transaction */
    STK_ERROR_BYTES_MAX = 4096,     /* of a job's error; longer is cut, at a whole character */
    STK_TAIL_BYTES_MAX = 16 * 1024, /* of an attempt's output kept */
    STK_KEY_BYTES_MAX = 128,
    STK_PAGE_MAX = 1000 /* rows a read hands out at most */
};

/* --- opening ------------------------------------------------------------- */

struct stk_store_options {
    bool read_only;       /* a reader inside the owning process: no lock, no migration */
    const char *command;  /* "stoker up": written to the lock file for whoever comes second */
    bool serves;          /* the owner answers on stk_store_socket_path() */
    stk_time_ns lease_ns; /* shared: how long its pool lives after a beat; 0: the standard */
};

/* `url`: "sqlite:PATH", or libpq's "postgresql://..." (docs/postgresql.md).
 * PostgreSQL: connects, within 5 s to each host, and makes or brings up to date the schema
 * `stoker`, by one process at a time; a reader makes nothing.
 * SQLite: creates the file when it is missing, takes the lock
 * file (PATH.lock), checks file system and version, runs quick_check after an
 * unclean stop, migrates. STK_BUSY: somebody owns it, the text says who and
 * how to reach them. STK_CONFLICT: the schema is newer than this program.
 * STK_BAD_DATA: corrupt, with what to do. STK_DENIED: read-only. */
STK_MUST_USE enum stk_rc stk_store_open(const char *url, const struct stk_store_options *options,
                                        struct stk_store **ret, struct stk_error *err);
/* Opening may wait for another process that migrates, for minutes; then it says so,
 * once, with this. Of the whole process, set before the first opening; NULL: not. */
typedef void (*stk_store_wait_fn)(const char *sentence);
void stk_store_on_wait(stk_store_wait_fn say);
void stk_store_close(struct stk_store *store);
void stk_store_closep(struct stk_store **store);

/* Who owns the store now, by its lock. STK_NOT_FOUND: nobody. */
struct stk_owner {
    int64_t pid;
    char command[128];
    char host[72];
    stk_time_ns since;
    bool serves;
};
STK_MUST_USE enum stk_rc stk_store_owner(const char *url, struct stk_owner *ret,
                                         struct stk_error *err);
/* PATH.sock; free() ends it. NULL: a shared store has none. */
char *stk_store_socket_path(const char *url);
/* Whether many processes may have it open at once: then nobody owns it, and who
 * wants something opens it. */
bool stk_store_is_shared(const char *url);

/* Versions of the schema: what opening found (0: nothing), what the store has
 * since, and the newest this program has. */
STK_MUST_USE enum stk_rc stk_store_versions(struct stk_store *store, int *ret_found, int *ret_have,
                                            int *ret_newest, struct stk_error *err);

/* --- time and life -------------------------------------------------------- */

/* The time that decides what is due: this machine's clock, or, of a shared
 * store, the database's, as of its last answer and carried on by the monotonic
 * clock: no step of this machine's clock moves it. */
stk_time_ns stk_store_now(struct stk_store *store);

/* How long a pool lives after a beat was sent, until others take it for gone;
 * STK_NEVER: as long as the store is open. A pool ends its attempts the margin
 * before that, and is taken for gone the grace after it: no overlap as long as
 * killing takes less than both and clocks run equally fast to one in a hundred.
 * It beats, and looks for others that are gone, thrice in a lease. */
#define STK_LEASE_STANDARD (30 * STK_SECOND)
#define STK_LEASE_MIN      (3 * STK_SECOND)
static inline stk_time_ns stk_lease_margin(stk_time_ns lease_ns)
{
    return lease_ns * 4 / 15;
}
static inline stk_time_ns stk_lease_grace(stk_time_ns lease_ns)
{
    return lease_ns / 6;
}
stk_time_ns stk_store_lease(struct stk_store *store);

/* --- transactions -------------------------------------------------------- */

STK_MUST_USE enum stk_rc stk_store_begin(struct stk_store *store, struct stk_error *err);
/* STK_OK means durable (synchronous=FULL, synchronous_commit=on). On failure it
 * is rolled back. When the answer to a commit is lost the engine finds out what
 * became of it. When it cannot, STK_UNAVAILABLE: settles of it that are tried
 * again are accepted once, and its claims are given back by a later begin. */
STK_MUST_USE enum stk_rc stk_store_commit(struct stk_store *store, struct stk_error *err);
void stk_store_rollback(struct stk_store *store);

/* One savepoint deep, for a call that may fail among others of a round. */
STK_MUST_USE enum stk_rc stk_store_savepoint(struct stk_store *store, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_savepoint_keep(struct stk_store *store, struct stk_error *err);
void stk_store_savepoint_undo(struct stk_store *store);

/* --- words --------------------------------------------------------------- */

/* The row of a task, made when new; its queue is brought up to date. Ids are
 * small and dense: they may index an array. */
STK_MUST_USE enum stk_rc stk_store_task(struct stk_store *store, const char *name,
                                        const char *queue, int64_t *ret_id, struct stk_error *err);

struct stk_queue {
    int64_t id;
    const char *name;
    bool paused;
    const char *reason, *actor; /* of the pause; or NULL */
    stk_time_ns changed_at;
};
/* The queues, by name. The array is the store's, good until the next call that
 * writes. A reader re-reads each time, a writer keeps it in memory. */
STK_MUST_USE enum stk_rc stk_store_queues(struct stk_store *store, const struct stk_queue **ret,
                                          size_t *ret_count, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_queue_pause(struct stk_store *store, const char *name,
                                               bool paused, const char *reason, const char *actor,
                                               stk_time_ns now, struct stk_error *err);

/* --- the way of a job ---------------------------------------------------- */

struct stk_new_job {
    int64_t task_id;
    int64_t sweep_id;   /* 0: none. In a sweep, equal params are the same job */
    const char *params; /* canonical JSON object */
    size_t params_len;
    const char *key;      /* or NULL: unique per task for ever */
    int32_t priority;     /* larger runs first */
    stk_time_ns ready_at; /* 0 or past: at once */
};
struct stk_submitted {
    int64_t id;
    bool existing; /* the key or the sweep had it already */
};
/* STK_CONFLICT: a key is taken by a job with other parameters; names it. */
STK_MUST_USE enum stk_rc stk_store_submit(struct stk_store *store, const struct stk_new_job *jobs,
                                          size_t count, stk_time_ns now, struct stk_submitted *ret,
                                          struct stk_error *err);

/* Makes jobs whose ready_at has come claimable, at most `limit`. */
STK_MUST_USE enum stk_rc stk_store_promote(struct stk_store *store, stk_time_ns now, size_t limit,
                                           size_t *ret_moved, struct stk_error *err);
/* The earliest ready_at not yet promoted, STK_NEVER if none. In memory. */
stk_time_ns stk_store_next_due(struct stk_store *store);

struct stk_claim {
    int64_t id, attempt_id, task_id, sweep_id;
    const char *params;
    size_t params_len;
    uint32_t attempt; /* already raised by this claim */
    uint32_t interruptions;
    uint32_t slot; /* the worker's number, out of slots[] */
    stk_time_ns started_at;
    bool cancel_requested;
    struct stk_remote remote; /* phase NONE: a job that has not been submitted anywhere */
};
typedef void (*stk_claim_fn)(void *context, const struct stk_claim *claim);

/* Claims at most `count` jobs of an open queue for the pool's workers slots[0],
 * slots[1], ...: highest priority first, then the oldest. None is success. A
 * paused queue gives none: its gate is read in this transaction. */
STK_MUST_USE enum stk_rc stk_store_claim(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                                         const uint32_t *slots, size_t count, stk_time_ns now,
                                         stk_claim_fn each, void *context, size_t *ret_count,
                                         struct stk_error *err);

/* The same for remote jobs that are parked and due: they are running all the
 * time; a claim gives them a worker and a new attempt id for one poll, and
 * raises no attempt. Earliest poll_at first. With a cancel asked, due at once. */
STK_MUST_USE enum stk_rc stk_store_claim_polls(struct stk_store *store, int64_t queue_id,
                                               int64_t pool_id, const uint32_t *slots, size_t count,
                                               stk_time_ns now, stk_claim_fn each, void *context,
                                               size_t *ret_count, struct stk_error *err);
/* The earliest poll_at of a parked job, STK_NEVER if none. In memory. */
stk_time_ns stk_store_next_poll(struct stk_store *store);
/* Jobs of the queue that are pending and running, parked ones included, as this
 * transaction sees it. Kept in memory by the writer once somebody has asked. */
STK_MUST_USE enum stk_rc stk_store_queue_load(struct stk_store *store, int64_t queue_id,
                                              int64_t *ret_pending, int64_t *ret_running,
                                              struct stk_error *err);
/* Notes that the job is about to be submitted elsewhere. STK_CONFLICT: the
 * attempt no longer holds it. */
STK_MUST_USE enum stk_rc stk_store_remote_note(struct stk_store *store, int64_t job_id,
                                               int64_t attempt_id, stk_time_ns now,
                                               struct stk_error *err);
/* What is known of a remote job, for people. STK_NOT_FOUND: it is none. */
typedef void (*stk_remote_fn)(void *context, const struct stk_remote *remote);
STK_MUST_USE enum stk_rc stk_store_remote(struct stk_store *store, int64_t job_id,
                                          stk_remote_fn each, void *context, struct stk_error *err);

struct stk_settle {
    int64_t id, attempt_id;
    enum stk_outcome outcome;
    struct stk_transition to;
    const char *result; /* completed: JSON or, when result_is_text, a text; or NULL */
    size_t result_len;
    bool result_is_text; /* store it as a JSON string */
    const char *error;   /* one sentence; or NULL */
    const char *tail;    /* end of its output, or NULL */
    size_t tail_len;
    int exit_status; /* of the program: 0..255, 256+N killed by signal N, -1 none */
    /* to.state RUNNING: the job is parked with this, holds no worker, and keeps
     * its attempt id; any other state ends what is known of it elsewhere. */
    const struct stk_remote *remote;
    /* written by settle, at the latest by the commit, until when the struct must stay: */
    bool accepted; /* false: the attempt no longer held the job; refused and counted */
};
/* An answer whose attempt does not hold the job is refused alone: accepted
 * false, and an attempt.late event says so. One that breaks a rule of the schema
 * (a result that is no JSON) fails its job, with the reason. Attempts that are not completed, and
 * events of failures, get their rows here. */
STK_MUST_USE enum stk_rc stk_store_settle(struct stk_store *store, struct stk_settle *settles,
                                          size_t count, stk_time_ns now, struct stk_error *err);

/* --- what people do ------------------------------------------------------ */

struct stk_job_range {
    int64_t first, last; /* ids, both ends; 1..INT64_MAX for all */
    int64_t sweep_id;    /* 0: any */
    int state;           /* only jobs in this state; -1: any the action allows */
};
struct stk_bulk {
    int64_t cursor; /* in: 0; out: go on from here when more is true */
    bool more;
    int64_t changed; /* raised: jobs put into their new state */
    int64_t asked;   /* raised: running jobs whose worker must be told to stop */
    int64_t skipped; /* raised: jobs that were not in a state to be changed */
};
/* One bounded step, at most STK_STORE_CHUNK jobs. Pending jobs become
 * cancelled; running ones are marked, durably, and given to `running` so that
 * the pool can stop them. STK_NOT_FOUND: the range holds no job at all. */
STK_MUST_USE enum stk_rc stk_store_cancel(struct stk_store *store,
                                          const struct stk_job_range *range, const char *reason,
                                          const char *actor, stk_time_ns now, struct stk_bulk *bulk,
                                          void (*running)(void *context, int64_t job_id),
                                          void *context, struct stk_error *err);
/* Final jobs go back to pending with fresh attempts; what they had becomes
 * history (view attempts). */
STK_MUST_USE enum stk_rc stk_store_retry(struct stk_store *store, const struct stk_job_range *range,
                                         const char *reason, const char *actor, stk_time_ns now,
                                         struct stk_bulk *bulk, struct stk_error *err);

/* --- sweeps -------------------------------------------------------------- */

struct stk_sweep {
    int64_t id;
    const char *name, *task; /* name may be NULL */
    const char *spec;        /* JSON: how its points are made, every extension too */
    int64_t points;          /* jobs in it when filled */
    bool filled;             /* false: points are still being submitted */
    stk_time_ns created_at;
    stk_time_ns finished_at; /* last job ended, when none is left; else STK_NEVER */
    struct stk_counts counts;
};
STK_MUST_USE enum stk_rc stk_store_sweep_new(struct stk_store *store, const char *name,
                                             int64_t task_id, const char *spec, int64_t points,
                                             stk_time_ns now, int64_t *ret_id,
                                             struct stk_error *err);
/* Replaces the spec; filled says whether all its points are in. */
STK_MUST_USE enum stk_rc stk_store_sweep_set(struct stk_store *store, int64_t id, const char *spec,
                                             int64_t points, bool filled, struct stk_error *err);
/* For this transaction, nobody else fills that sweep. STK_BUSY: somebody does. */
STK_MUST_USE enum stk_rc stk_store_sweep_take(struct stk_store *store, int64_t id,
                                              struct stk_error *err);
typedef void (*stk_sweep_fn)(void *context, const struct stk_sweep *sweep);
/* id 0: the newest `limit` ones before `before_id` (0: from the newest). */
STK_MUST_USE enum stk_rc stk_store_sweeps(struct stk_store *store, int64_t id, int64_t before_id,
                                          size_t limit, stk_sweep_fn each, void *context,
                                          struct stk_error *err);
/* The oldest sweep with an id above `after_id` that is not filled;
 * STK_NOT_FOUND when there is none. */
STK_MUST_USE enum stk_rc stk_store_unfilled_sweep(struct stk_store *store, int64_t after_id,
                                                  int64_t *ret_id, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_last_sweep(struct stk_store *store, int64_t *ret_id,
                                              struct stk_error *err);

/* --- reading ------------------------------------------------------------- */

struct stk_job {
    int64_t id, sweep_id; /* sweep_id 0: none */
    const char *task, *queue;
    enum stk_state state;
    int32_t priority;
    const char *params, *result, *error, *key, *held; /* result to held may be NULL */
    uint32_t attempt, throttles, session_waits, interruptions, retries;
    bool cancel_requested;
    stk_time_ns created_at, ready_at, started_at, finished_at; /* STK_NEVER when not set */
    int64_t pool_id;                                           /* 0: none */
    uint32_t worker;
    int64_t attempt_id; /* 0: none */
};
struct stk_job_filter {
    int state;        /* enum stk_state, or -1 */
    const char *task; /* or NULL */
    int64_t sweep_id; /* 0: any */
    int64_t after_id; /* with ascending: ids above; else ids below, 0: from the newest */
    bool ascending;
    size_t limit; /* 1..STK_PAGE_MAX */
};
typedef void (*stk_job_fn)(void *context, const struct stk_job *job);
STK_MUST_USE enum stk_rc stk_store_jobs(struct stk_store *store,
                                        const struct stk_job_filter *filter, stk_job_fn each,
                                        void *context, struct stk_error *err);
/* STK_NOT_FOUND when there is none. */
STK_MUST_USE enum stk_rc stk_store_job(struct stk_store *store, int64_t id, stk_job_fn each,
                                       void *context, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_last_job(struct stk_store *store, int64_t *ret_id,
                                            struct stk_error *err);
/* Claimable jobs in front of this one in its queue, counted up to `most`. */
STK_MUST_USE enum stk_rc stk_store_jobs_ahead(struct stk_store *store, int64_t id, int64_t most,
                                              int64_t *ret, struct stk_error *err);

struct stk_attempt {
    uint32_t attempt;
    int64_t attempt_id;
    const char *outcome;               /* "running" for the one under way */
    const char *error, *tail, *result; /* or NULL */
    int exit_status;                   /* see struct stk_settle */
    int64_t pool_id;
    uint32_t worker;
    stk_time_ns started_at, finished_at;
};
typedef void (*stk_attempt_fn)(void *context, const struct stk_attempt *attempt);
STK_MUST_USE enum stk_rc stk_store_attempts(struct stk_store *store, int64_t job_id,
                                            stk_attempt_fn each, void *context,
                                            struct stk_error *err);

/* From the counters kept in the transactions that change them: fast at any
 * size. sweep_id 0: all jobs. */
STK_MUST_USE enum stk_rc stk_store_counts(struct stk_store *store, int64_t sweep_id,
                                          struct stk_counts *ret, struct stk_error *err);
typedef void (*stk_task_counts_fn)(void *context, const char *queue, const char *task,
                                   const struct stk_counts *counts);
STK_MUST_USE enum stk_rc stk_store_counts_by_task(struct stk_store *store, stk_task_counts_fn each,
                                                  void *context, struct stk_error *err);

/* --- pools and events ---------------------------------------------------- */

/* What a pool says of itself with a beat. Others read it on a shared store; on
 * SQLite they ask the owner, and it is kept nowhere. */
struct stk_pool_said {
    enum stk_pool_state state; /* one of the STK_POOL_SAID_COUNT_ first */
    const char *reason;        /* of the state; or NULL */
    double per_s;              /* jobs ended a second, lately */
};
struct stk_pool_row {
    int64_t id; /* shown as "p1" */
    const char *host;
    int64_t pid;
    uint32_t workers;
    stk_time_ns started_at, beat_at, stopped_at; /* stopped_at STK_NEVER while alive */
    stk_time_ns lease_until;                     /* STK_NEVER: it has none */
    const char *ended;                           /* "stopped", "lost", or NULL */
    struct stk_pool_said said;
};
STK_MUST_USE enum stk_rc stk_store_pool_start(struct stk_store *store, const char *host,
                                              int64_t pid, uint32_t workers, stk_time_ns now,
                                              int64_t *ret_id, struct stk_error *err);
/* STK_CONFLICT: its lease has run out, its jobs may be others' by now: end all
 * attempts, start again under a new id. */
STK_MUST_USE enum stk_rc stk_store_pool_beat(struct stk_store *store, int64_t id,
                                             const struct stk_pool_said *said, stk_time_ns now,
                                             struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_pool_stop(struct stk_store *store, int64_t id, stk_time_ns now,
                                             struct stk_error *err);
typedef void (*stk_pool_fn)(void *context, const struct stk_pool_row *pool);
STK_MUST_USE enum stk_rc stk_store_pools(struct stk_store *store, size_t limit, stk_pool_fn each,
                                         void *context, struct stk_error *err);

/* Running jobs of the pool that somebody else wants cancelled, each given once;
 * none on SQLite, where stk_store_cancel says them to the owner. */
STK_MUST_USE enum stk_rc stk_store_cancels(struct stk_store *store, int64_t pool_id,
                                           void (*each)(void *context, int64_t job_id),
                                           void *context, struct stk_error *err);

/* Gives back the running jobs of pools that are gone: on SQLite all but those
 * of `pool_id` (0: all), since an owner has no living peer; on a shared store
 * those of pools whose lease has run out a grace ago, except `pool_id`. A remote job with a
 * handle is parked again, due now; one that was being submitted ends as its
 * task's `ambiguous` says (bound->ambiguous). Bounded steps as
 * for cancel; jobs asked to cancel become cancelled, those interrupted more
 * often than `bound` says for their task failed. */
struct stk_bounds {
    uint32_t interruptions_max;
    enum stk_ambiguous ambiguous;
};
typedef struct stk_bounds (*stk_bound_fn)(void *context, const char *task);
STK_MUST_USE enum stk_rc stk_store_rescue(struct stk_store *store, int64_t pool_id,
                                          stk_bound_fn bound, void *context, stk_time_ns now,
                                          struct stk_bulk *bulk, struct stk_error *err);
/* Jobs held as unknown_task whose task is this one become claimable again. */
STK_MUST_USE enum stk_rc stk_store_release_held(struct stk_store *store, int64_t task_id,
                                                stk_time_ns now, struct stk_bulk *bulk,
                                                struct stk_error *err);

struct stk_event {
    int64_t id;
    stk_time_ns at;
    const char *kind;
    int64_t job_id, sweep_id, pool_id; /* 0: none */
    const char *queue, *actor, *text;  /* may be NULL, text not */
    bool is_settled; /* no other can be added before it, by a transaction under way */
};
STK_MUST_USE enum stk_rc stk_store_event(struct stk_store *store, enum stk_event_kind kind,
                                         const struct stk_event *event, stk_time_ns now,
                                         struct stk_error *err); /* id, at, kind are ignored */
typedef void (*stk_event_fn)(void *context, const struct stk_event *event);
/* after_id > 0: those behind it that are settled; after_id 0: the newest `limit`.
 * job_id 0: any. In the order in which they are followed, which need not be the
 * one of their ids: settled ones first, then, of the newest, those that are not. */
STK_MUST_USE enum stk_rc stk_store_events(struct stk_store *store, int64_t after_id, int64_t job_id,
                                          size_t limit, stk_event_fn each, void *context,
                                          struct stk_error *err);

/* --- sessions and limits ------------------------------------------------- */

/* All rows, by name. The array is the store's, good until the next call that
 * writes. A reader re-reads each time, a writer keeps it in memory: a claim sees
 * state and generation of its own transaction. */
STK_MUST_USE enum stk_rc stk_store_sessions(struct stk_store *store, const struct stk_session **ret,
                                            size_t *ret_count, struct stk_error *err);
/* Inserts or replaces the row of that name; its secrets stay. Who writes has
 * read the row, its epoch and generation, in the same transaction. */
STK_MUST_USE enum stk_rc stk_store_session_set(struct stk_store *store,
                                               const struct stk_session *session,
                                               struct stk_error *err);
/* Sealed bytes (base/seal). CREDENTIAL is what workers use, replaced with the
 * generation in one transaction; WORK is the keeper's own: refresh tokens, the
 * cookies of an open challenge. Empty: none. */
enum stk_session_secret { STK_SESSION_CREDENTIAL, STK_SESSION_WORK };
STK_MUST_USE enum stk_rc stk_store_session_secret(struct stk_store *store, const char *name,
                                                  enum stk_session_secret which,
                                                  struct stk_buf *ret_sealed,
                                                  int64_t *ret_generation, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_session_secret_set(struct stk_store *store, const char *name,
                                                      enum stk_session_secret which,
                                                      const void *sealed, size_t len,
                                                      struct stk_error *err);

/* As for sessions. Rows appear with the first set. */
STK_MUST_USE enum stk_rc stk_store_limits(struct stk_store *store, const struct stk_limit **ret,
                                          size_t *ret_count, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_limit_set(struct stk_store *store, const struct stk_limit *limit,
                                             struct stk_error *err);

/* Mean run time of the task's newest completed jobs (at most 100), 0: none yet. */
STK_MUST_USE enum stk_rc stk_store_task_run_time(struct stk_store *store, const char *task,
                                                 stk_time_ns *ret_mean, struct stk_error *err);

/* --- health -------------------------------------------------------------- */

/* SQLite: checkpoints when the log is long or `idle`; checks that the file is
 * still the one that was opened. PostgreSQL: adds up the counters' changes.
 * Between transactions, by the writer. */
STK_MUST_USE enum stk_rc stk_store_tend(struct stk_store *store, bool idle, struct stk_error *err);

/* A sentence that people should read, each once, as tend has found it; NULL: none.
 * Borrowed until the next call. */
const char *stk_store_news(struct stk_store *store);

enum stk_finding { STK_FINDING_OK, STK_FINDING_WARN, STK_FINDING_BAD };
typedef void (*stk_finding_fn)(void *context, enum stk_finding level, const char *text);
/* What `stoker doctor` says of the store. deep: every page, and the counters
 * against the rows. */
STK_MUST_USE enum stk_rc stk_store_doctor(struct stk_store *store, bool deep, stk_finding_fn each,
                                          void *context, struct stk_error *err);

#endif
