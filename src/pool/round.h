/* SPDX-License-Identifier: MIT
 *
 * round - one durable transaction of the desk, step by step; private to
 * src/pool.
 *
 * desk.c has the loop and what other threads call; round.c writes: calls,
 * outcomes, due jobs, claims, commit; handout.c tells everybody once that is
 * durable; pauses.c waits when it cannot be. All of it runs on the desk's thread.
 */
#ifndef STK_POOL_ROUND_H
#define STK_POOL_ROUND_H

#include "pool/gate.h"
#include "pool/life.h"
#include "pool/slot.h"

struct stk_call {
    struct stk_arrival arrival;
    stk_write_fn fn;
    void *arg;
    enum stk_rc rc;
    struct stk_error err;
    struct stk_bell done;
    struct stk_call *next;
};

enum stk_stop_level { STK_GO_ON, STK_STOP_AFTER_JOBS, STK_STOP_AT_ONCE };

struct stk_desk {
    struct stk_desk_options options;
    struct stk_slot *slots;                                     /* [workers] */
    struct stk_gong gongs[STK_WORKERS_MAX / STK_GONG_SLEEPERS]; /* of 32 slots each */
    const struct stk_task **tasks;                              /* by the store's task id */
    size_t task_count;
    pthread_t thread;

    /* anyone's */
    _Atomic(struct stk_arrival *) arrived; /* newest first */
    struct stk_bell bell;
    _Atomic int awaited; /* reports until the bell is rung; a call rings it at once */
    _Atomic int stop_level;
    _Atomic bool quit;
    _Atomic stk_time_ns turned_at; /* mono */
    _Atomic uint32_t ended;
    _Atomic unsigned heard; /* hints, not yet followed */
    _Atomic(const char *)
        waits_for; /* the closed session that jobs waited for when last claimed; NULL: none */
    struct stk_bell all_ended;

    /* under lock: what stk_desk_view shows */
    pthread_mutex_t lock;
    struct stk_rate rate;
    int64_t settled_count, late_count;
    int64_t became[STK_STATE_COUNT_]; /* jobs, by accepted outcomes */
    char pause_reason[400];           /* "" while all is well */
    bool broken;                      /* the reason is one that stays */

    /* the desk thread's own */
    struct stk_call *calls, **calls_end;
    struct stk_call **unrun;   /* the first call that is not in this transaction */
    struct stk_slot **reports; /* [workers] came back, not yet durable */
    struct stk_settle *settles;
    size_t report_count, settled; /* settled: written in this transaction */
    struct stk_slot **idle;       /* [workers] wait for a job, longest first */
    size_t idle_count;
    struct stk_slot **claimed;  /* [workers] in this transaction */
    struct stk_settle *unknown; /* claimed, but of a task nobody knows here */
    size_t claimed_count, unknown_count;
    uint32_t *numbers; /* worker numbers offered to a claim */
    size_t offered;
    int64_t generation; /* of the session of the queue that is being claimed from */
    const char *closed; /* waits_for of the claim under way */
    bool is_shared;     /* the store is */
    struct stk_life life;
    stk_time_ns ahead_ns; /* of this machine's clock is the store's, in this round */
    int tries_left;       /* of this round, when another is in its way */
    struct stk_bell nap;  /* nobody rings it */
    struct stk_gates gates;
    stk_time_ns
        gate_at; /* by the store's clock: when a gate that jobs wait at may open; STK_NEVER: none */
    stk_time_ns held_at; /* the same for polls that are due; STK_NEVER: none waits */

    uint64_t round;
    size_t turn;                       /* the queue that claims first next time */
    bool hungry;                       /* a claim may find something */
    size_t fresh;                      /* handed out last round, not yet back */
    unsigned linger_skip, linger_wait; /* rounds not to linger, after it was no use */
    unsigned halves;                   /* rounds not to wait for all, before trying again */
    stk_time_ns handed_at;             /* mono: when the last round told its workers */
    stk_time_ns back_ns;               /* from then until all were back, lately */
    stk_time_ns commit_ns;
    stk_time_ns poll_at, tend_at, retry_at, stop_at; /* mono; 0: not set */
    stk_time_ns drain_look_at; /* mono: when to ask again whether others run jobs */
    bool drain_sure;           /* none did, and all was claimed that could be since */
    stk_time_ns pause_ns, paused_since;
    stk_time_ns idle_since; /* mono: no job runs or is parked since; 0: one does */
    int stop_seen;
};

/* Moves what has arrived to calls, reports and idle, oldest first; how many. */
size_t stk_desk_gather(struct stk_desk *desk);

/* Sleeps until so many reports have arrived, or a call, or the time is over
 * (< 0: no limit). Not one by one: a wake-up costs more than a report. */
void stk_desk_await(struct stk_desk *desk, int reports, stk_time_ns wait_ns);

/* One round, whatever there is to write. */
void stk_round_run(struct stk_desk *desk);

/* The store cannot be written to: the pool is paused from here on. */
void stk_round_pause(struct stk_desk *desk, const struct stk_error *err);
/* In the first round that goes through, and after it. */
STK_MUST_USE enum stk_rc stk_pause_note_end(struct stk_desk *desk, stk_time_ns now,
                                            struct stk_error *err);
void stk_pause_end(struct stk_desk *desk);

/* All running jobs are stopped so. From any thread. */
void stk_desk_interrupt(struct stk_desk *desk, enum stk_stop how);

/* After the commit, or with the error that kept it from being one. */
void stk_handout_answer(struct stk_desk *desk, enum stk_rc rc, const struct stk_error *err);
void stk_handout_reports(struct stk_desk *desk, stk_time_ns now); /* they are settled */
void stk_handout_jobs(struct stk_desk *desk);                     /* they are claimed */
/* Reports that are not to be written: their attempts no longer hold their jobs. */
void stk_handout_dropped(struct stk_desk *desk);
/* Workers that wait are told to end. */
void stk_handout_ends(struct stk_desk *desk);

#endif
