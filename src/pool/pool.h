/* SPDX-License-Identifier: MIT
 *
 * pool - one stoker process with its workers: the 24/7 part.
 *
 * Inside: N workers (pool/worker.h: take, execute, report, again), one desk
 * (pool/desk.h) that owns the writing store, beats the heart and follows the
 * clock, one feeder (pool/feeder.h) that fills accepted sweeps. They meet at the
 * desk only. On a shared store it hears what other processes tell, and shows
 * them its consoles while they watch (pool/shipper.h).
 *
 * Memory:  start makes, free ends. `settings` and `spawner` are borrowed and
 *          must live longer.
 * Threads: every function but start and free may be called from any thread.
 * Errors:  start says what stands in the way (see store/store.h); later
 *          troubles are the pool's own: it pauses, says so, goes on by itself.
 */
#ifndef STK_POOL_POOL_H
#define STK_POOL_POOL_H

#include "exec/spawner.h"
#include "model/settings.h"
#include "pool/console.h"
#include "session/vault.h"
#include "store/access.h"

struct stk_pool;

struct stk_pool_options {
    const struct stk_settings *settings;
    struct stk_spawner *spawner; /* NULL: no task may be a command (bench) */
    const char *command;         /* for the lock file: "stoker up" */
    uint32_t workers;            /* 1..STK_WORKERS_MAX */
    bool serves;                 /* a server will answer on the store's socket */
    bool drain;                  /* end by itself when no job can run any more */
    stk_time_ns idle_exit_ns;    /* end by itself when none has run for so long; 0: never */
    bool consoles;               /* false: none at all (bench) */
};

/* Opens the store, gives back the jobs of a pool that died, starts the
 * threads. */
STK_MUST_USE enum stk_rc stk_pool_start(const struct stk_pool_options *options,
                                        struct stk_pool **ret, struct stk_error *err);

/* Once: claim no more; finish what runs, after the grace interrupt it and give
 * it back. Twice: interrupt now. Async-signal-unsafe; returns at once. */
void stk_pool_stop(struct stk_pool *pool);
/* Blocks until all workers have ended (stop or drain) or the time is over (< 0:
 * no limit). True: ended. */
bool stk_pool_wait(struct stk_pool *pool, stk_time_ns wait_ns);
/* Ends threads and closes the store; every server thread must be gone. */
void stk_pool_free(struct stk_pool *pool);

/* Writes through the desk, reads on borrowed read-only stores. */
struct stk_access stk_pool_access(struct stk_pool *pool);

/* A running job was marked cancelled in the store: stop it now. */
void stk_pool_cancel(struct stk_pool *pool, int64_t job_id);
/* A sweep was accepted: fill it. */
void stk_pool_feed(struct stk_pool *pool);
/* How far the sweep being filled is; false when it is not the one. */
bool stk_pool_feeding(struct stk_pool *pool, int64_t sweep_id, int64_t *ret_done,
                      int64_t *ret_points);
/* Blocks until the sweep is no longer being filled or waiting to be, or the
 * time is over. True: done (filled, or failed: *err says why). */
STK_MUST_USE bool stk_pool_feed_wait(struct stk_pool *pool, int64_t sweep_id, stk_time_ns wait_ns,
                                     struct stk_error *err);

/* clang-format off */
#define STK_WORKER_STATE_MAP(X)                                            \
    X(IDLE,     "idle")      /* waits at the desk */                        \
    X(RUNNING,  "running")   /* executes a job */                           \
    X(STOPPING, "stopping")  /* told to end its job */                      \
    X(ENDED,    "ended")
/* clang-format on */
enum stk_worker_state {
#define STK_WORKER_STATE_NAME(name, text) STK_WORKER_##name,
    STK_WORKER_STATE_MAP(STK_WORKER_STATE_NAME)
#undef STK_WORKER_STATE_NAME
};
const char *stk_worker_state_name(enum stk_worker_state state);

struct stk_worker_view {
    uint32_t number; /* 1.. */
    enum stk_worker_state state;
    int64_t job_id; /* 0: none */
    uint32_t attempt;
    stk_time_ns since;         /* of this state */
    const char *task;          /* or NULL */
    int64_t completed, failed; /* attempts, since start */
};
void stk_pool_workers(struct stk_pool *pool,
                      void (*each)(void *context, const struct stk_worker_view *view),
                      void *context);

struct stk_pool_view {
    int64_t id; /* "p<id>" */
    uint32_t workers, busy;
    enum stk_pool_state state;
    char reason[400]; /* of the state, or "" */
    bool broken;      /* stops by itself: no job can run here any more */
    stk_time_ns started_at;
    const char *containment;
    double per_s;              /* jobs ended a second, lately */
    int64_t late_answers;      /* refused outcomes since start */
    int64_t completed, failed; /* jobs that ended so by this pool, since start */
};
void stk_pool_view(struct stk_pool *pool, struct stk_pool_view *ret);
/* mono: when its desk began its last turn; long ago: it is stuck. Takes no lock. */
stk_time_ns stk_pool_turned_at(struct stk_pool *pool);

/* For those who run a helper program; may be NULL. */
struct stk_spawner *stk_pool_spawner(struct stk_pool *pool);
/* The credentials of its sessions, for those who write one. */
struct stk_vault *stk_pool_vault(struct stk_pool *pool);
/* A person has changed the session's row: its keeper looks now. */
void stk_pool_session_changed(struct stk_pool *pool, const char *session);

struct stk_consoles *stk_pool_consoles(struct stk_pool *pool);

#endif
