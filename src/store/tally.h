/* SPDX-License-Identifier: MIT
 *
 * tally - what a transaction changes in the counters, gathered in memory until
 * its engine writes it. Private to src/store.
 *
 * Memory:  zeros are an empty tally; release ends it.
 */
#ifndef STK_STORE_TALLY_H
#define STK_STORE_TALLY_H

#include "model/lifecycle.h"

struct stk_tally_row {
    int64_t sweep_id, queue_id, task_id;
    int64_t by[STK_STATE_COUNT_];
    stk_time_ns ended_at; /* of the last job that came to an end; 0: none */
};
struct stk_tally {
    struct stk_tally_row *rows;
    size_t count, size;
    size_t last; /* where the last change went: mostly the next one goes there too */
};

/* One job moves from a state to another; STK_STATE_COUNT_: from, to nowhere. */
void stk_tally_move(struct stk_tally *tally, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                    enum stk_state from, enum stk_state to, stk_time_ns now);
void stk_tally_copy(struct stk_tally *to, const struct stk_tally *from);
void stk_tally_release(struct stk_tally *tally);

#endif
