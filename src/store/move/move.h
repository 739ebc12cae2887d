/* SPDX-License-Identifier: MIT
 *
 * move - a whole store from SQLite into PostgreSQL: ids, results, states,
 * history, sessions with their sealed secrets, people, audit, counters.
 *
 * All or nothing: one transaction there, committed only when each table, read
 * back, has the same rows and the same sum as what was sent. The source is
 * opened as its owner, so nobody works on it meanwhile; afterwards its queues are
 * paused, with where they went as the reason.
 *
 * Threads: blocks until it is done.
 * Errors:  STK_BUSY: somebody owns the source. STK_CONFLICT: the target is not
 *          empty. STK_BAD_DATA: the sums differ. Whatever fails before the
 *          commit leaves both as they were.
 */
#ifndef STK_STORE_MOVE_MOVE_H
#define STK_STORE_MOVE_MOVE_H

#include "store/store.h"

struct stk_move_options {
    const char *from, *to;
    const char *command, *actor;
    /* How far it is; may be NULL. What: "job". */
    void (*progress)(void *context, const char *what, int64_t done, int64_t of);
    void *context;
};

struct stk_moved {
    int64_t tables, rows, jobs;
    int64_t mended; /* bytes of texts that were no UTF-8; U+FFFD now */
};

STK_MUST_USE enum stk_rc stk_store_move(const struct stk_move_options *options,
                                        struct stk_moved *ret, struct stk_error *err);

#endif
