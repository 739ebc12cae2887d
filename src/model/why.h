/* SPDX-License-Identifier: MIT
 *
 * why - the one sentence that says why a job is not running (or what it does).
 *
 * The same words in CLI, API and, later, dashboard and terminal UI. Checked in
 * the order in which a reader would look: final states, running, cancel asked,
 * held, no pool, pool paused, queue paused, not due yet, session closed, limit closed, no free
 * worker. Of an error or a reason only the first line is used, escaped and shortened.
 *
 * Pure: the facts and the time are passed in.
 */
#ifndef STK_MODEL_WHY_H
#define STK_MODEL_WHY_H

#include "model/lifecycle.h"
#include "model/remote.h"

struct stk_why_facts {
    enum stk_state state;
    const char *task, *queue;
    stk_time_ns ready_at, started_at, finished_at; /* STK_NEVER when not set */
    uint32_t attempt, attempts_max, interruptions, throttles;
    const char *held;                /* "unknown_task" or NULL */
    const char *error;               /* of the last failed attempt, or NULL */
    const char *worker;              /* of a running job, or NULL */
    const struct stk_remote *remote; /* it runs at an authority; or NULL */
    bool cancel_requested;
    bool queue_paused;
    const char *queue_reason; /* "by anna: maintenance", or only the reason; or NULL */
    const char *session;      /* it lets none of its queue start now: its sentence; or NULL */
    const char *gate;         /* a limit lets none of its queue start now: its sentence; or NULL */
    int64_t ahead;            /* jobs in front of it in its queue; -1 unknown */
    bool ahead_is_more;       /* "more than `ahead`" */
    uint32_t pools, workers, workers_busy;
    stk_time_ns lost_since; /* of a running job: its pool was last heard of then; 0: it lives */
    const char *pool_pause; /* the pool has paused itself, with this reason; or NULL */
    int64_t id;             /* of the job, for the command that helps; 0: leave that out */
};

/* Cut to size - 1 bytes, never inside a UTF-8 sequence. */
void stk_why_sentence(const struct stk_why_facts *facts, stk_time_ns now, char *ret_text,
                      size_t size);

#endif
