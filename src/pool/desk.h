/* SPDX-License-Identifier: MIT
 *
 * desk - the one thread that writes to the store.
 *
 * Workers hand it the outcome of their attempt and wait for their next job;
 * others hand it calls. It takes all that has arrived and writes it in one
 * durable transaction, a round: calls, then outcomes, then as many claims as
 * there are workers waiting right now. Nobody is told anything before the
 * commit. Nothing is prefetched: a job is claimed for a worker that waits.
 *
 *      arrivals (lock-free list, one bell)          slots (a gong for 32)
 *   worker, server, feeder ------> desk: round ------> workers
 *
 * When a round cannot be made durable (disk full, ...) the outcomes are kept
 * and tried again, callers get the error, nothing is claimed, and the pause
 * with its reason can be seen until a round goes through.
 *
 * On a shared store a pool may die without noticing: when it has not been heard
 * of for the time of its lease, others give its jobs back. So before that
 * (pool/life.h) all attempts are killed, their outcomes dropped, and the pool
 * starts afresh under a new id.
 *
 * Memory:  open makes, close frees. Jobs and reports live in the worker's slot.
 * Threads: open, start, close from one; next from each worker with its own
 *          slot; the rest from any thread.
 * Errors:  stk_desk_call gives what the call or the commit failed with.
 */
#ifndef STK_POOL_DESK_H
#define STK_POOL_DESK_H

#include "exec/exec.h"
#include "model/settings.h"
#include "pool/pool.h"
#include "store/access.h"
#include "store/hints.h"

struct stk_desk;

/* A claimed job in a worker's hands: from next until its next next. */
struct stk_assignment {
    const struct stk_task *task;
    int64_t pool_id; /* that has claimed it */
    int64_t id, attempt_id, sweep_id;
    uint32_t attempt, interruptions;
    int64_t generation; /* of its session when it was claimed; 0: it needs none */
    stk_time_ns started_at;
    bool cancel_requested; /* of a job that runs elsewhere */
    struct stk_remote remote;
    struct stk_buf params, handle, result_at; /* the last two: remote's texts */
};

struct stk_desk_options {
    struct stk_store *store; /* the writer; the desk's from start to close */
    const struct stk_settings *settings;
    struct stk_consoles *consoles; /* or NULL */
    int64_t pool_id;
    uint32_t workers;
    bool drain;
    stk_time_ns idle_exit_ns;       /* end when no job has run for that long; 0: never */
    bool (*feeding)(void *context); /* drain: is a sweep still to be filled? */

    /* of a shared store: */
    struct stk_listener *listener;                  /* is told what others should hear; or NULL */
    struct stk_vault *vault;                        /* see struct stk_gates */
    stk_time_ns born_at;                            /* mono: just before the pool got its id */
    stk_bound_fn bound;                             /* for the jobs of other pools that died */
    void (*reborn)(void *context, int64_t pool_id); /* on the desk's thread */

    void (*stop_job)(void *context, uint32_t worker, int64_t job_id, enum stk_stop how);
    /* A job has reported its session lost, and that is durable; may be NULL. */
    void (*session_changed)(void *context);
    void *context;
};

struct stk_desk *stk_desk_open(const struct stk_desk_options *options);
STK_MUST_USE enum stk_rc stk_desk_start(struct stk_desk *desk, struct stk_error *err);
/* The workers must have ended. Calls that wait get STK_UNAVAILABLE. */
void stk_desk_close(struct stk_desk *desk);

/* Reports how the worker's job ended (NULL the first time; borrowed until the
 * return) and blocks until it has its next one, NULL: end. */
const struct stk_assignment *stk_desk_next(struct stk_desk *desk, uint32_t worker,
                                           const struct stk_exec_result *ended);

/* Runs fn in the next round; returns when that is durable. */
STK_MUST_USE enum stk_rc stk_desk_call(struct stk_desk *desk, stk_write_fn fn, void *arg,
                                       struct stk_error *err);

bool stk_desk_is_shared(const struct stk_desk *desk); /* the store is */
bool stk_desk_is_stopping(const struct stk_desk *desk);
void stk_desk_stop(struct stk_desk *desk);  /* see stk_pool_stop */
void stk_desk_nudge(struct stk_desk *desk); /* look again whether the pool is drained */
/* Others have said that there is something to do (1 << enum stk_hint): look now. */
void stk_desk_hint(struct stk_desk *desk, unsigned hints);
/* Something is gone without which no job can run: stop, and say why. */
void stk_desk_break(struct stk_desk *desk, const char *reason);
void stk_desk_cancel(struct stk_desk *desk, int64_t job_id);
bool stk_desk_wait(struct stk_desk *desk, stk_time_ns wait_ns); /* all workers ended? */

void stk_desk_workers(struct stk_desk *desk,
                      void (*each)(void *context, const struct stk_worker_view *view),
                      void *context);
stk_time_ns stk_desk_turned_at(struct stk_desk *desk);                /* see pool.h */
void stk_desk_view(struct stk_desk *desk, struct stk_pool_view *ret); /* what it knows of it */

#endif
