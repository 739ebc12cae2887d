/* SPDX-License-Identifier: MIT
 *
 * lost - the jobs of pools that are gone, and how their attempts end, the same
 * in every engine: gathered by an engine, then settled.
 *
 * Memory:  init makes room for STK_STORE_CHUNK jobs, release frees it.
 * Private to src/store.
 */
#ifndef STK_STORE_LOST_H
#define STK_STORE_LOST_H

#include "store/store.h"

/* A running job of a pool that is gone, as it was read. */
struct stk_lost_row {
    int64_t id, attempt_id, pool_id;
    uint32_t attempt, interruptions;
    bool cancel_requested;
    const char *task;
    const char *phase; /* of the job elsewhere; NULL: it runs nowhere else */
    stk_time_ns submitted_at;
};

struct stk_lost_job; /* opaque */
struct stk_lost {
    stk_bound_fn bound;
    void *context;
    stk_time_ns now;
    struct stk_lost_job *jobs;
    size_t count;
};

void stk_lost_init(struct stk_lost *lost, stk_bound_fn bound, void *context, stk_time_ns now);
void stk_lost_release(struct stk_lost *lost);
/* In the order of their ids. */
void stk_lost_add(struct stk_lost *lost, const struct stk_lost_row *row);
/* Ends their attempts; `bulk` says how many were given back, and from where to go on. */
STK_MUST_USE enum stk_rc stk_lost_settle(struct stk_store *store, struct stk_lost *lost,
                                         struct stk_bulk *bulk, struct stk_error *err);

#endif
