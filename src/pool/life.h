/* SPDX-License-Identifier: MIT
 *
 * life - that a pool of a shared store is alive, and those of others are.
 *
 * A pool beats in a round of its desk, thrice in a lease. Others take it for
 * gone a grace after the lease has run out, counted by the database's clock from
 * when it wrote the beat; the pool gives itself up the margin before it has run
 * out, counted by its own from before the beat was sent. So there is no moment
 * at which two believe that they run the same job. A thread of its own
 * (base/lifeline.h) does that, as the desk may be waiting for an answer of the
 * store just then. Then all attempts are killed, their outcomes are not written
 * any more, and once no worker has a job the pool begins a new life, with a new
 * id: jobs of the old one come back like those of any other that died.
 *
 * On SQLite a pool lives as long as its store is open, and only beats. Private
 * to src/pool.
 *
 * Memory:  part of the desk; stk_life_start, stk_life_stop.
 * Threads: the desk's, but for what ends the attempts.
 */
#ifndef STK_POOL_LIFE_H
#define STK_POOL_LIFE_H

#include "base/lifeline.h"
#include "store/store.h"

struct stk_desk;

struct stk_life {
    struct stk_lifeline *line;                 /* NULL: nothing can take this pool for gone */
    stk_time_ns lease_ns, beat_ns;             /* lease: STK_NEVER on SQLite */
    stk_time_ns beat_at, rescue_at, cancel_at; /* mono: when to write, to look */
    stk_time_ns sent_at;                       /* mono: before this round was */
    bool beaten, is_taken;                     /* in this round; by others, as it turned out */
    struct stk_bulk rescue, rescue_next;       /* durable; with this round */
    bool rescued;                              /* in this round */
    bool said;                                 /* that this life is over */
    enum stk_pool_state told, telling;         /* with the last beat; with this one */
    stk_time_ns told_at;                       /* mono */
};

STK_MUST_USE enum stk_rc stk_life_start(struct stk_desk *desk, struct stk_error *err);
void stk_life_stop(struct stk_desk *desk);

/* Takes an id for the pool that this process is. */
STK_MUST_USE enum stk_rc stk_life_check_in(struct stk_store *store, uint32_t workers,
                                           stk_time_ns now, int64_t *ret_id, struct stk_error *err);

/* There is something to write for it, by now; when there will be. */
bool stk_life_is_due(const struct stk_desk *desk, stk_time_ns mono);
stk_time_ns stk_life_due_at(const struct stk_desk *desk);
/* The poll: what hints could have said is looked at with the next round. */
void stk_life_look(struct stk_desk *desk);

/* In a round: beats, gives back jobs of pools that are gone, stops those that
 * others want cancelled. STK_CONFLICT: this life is over. */
STK_MUST_USE enum stk_rc stk_life_write(struct stk_desk *desk, stk_time_ns now,
                                        struct stk_error *err);
void stk_life_written(struct stk_desk *desk); /* the round is durable */

bool stk_life_is_over(const struct stk_desk *desk);
/* Ends what the old life has left and, when nothing of it is left, begins a new
 * one; until when to wait for the next step (mono). */
stk_time_ns stk_life_renew(struct stk_desk *desk, stk_time_ns mono);

#endif
