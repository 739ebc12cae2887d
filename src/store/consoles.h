/* SPDX-License-Identifier: MIT
 *
 * consoles - the consoles of pools on other machines, shipped through a shared
 * store only while somebody watches. A watch ends by itself: who watches renews
 * it.
 *
 * Memory, Threads, Errors: as of store/store.h. What is given to a callback
 * borrows its strings until it returns.
 */
#ifndef STK_STORE_CONSOLES_H
#define STK_STORE_CONSOLES_H

#include "store/store.h"

/* pool_id 0: all pools; `lines` are wanted of what is already there. */
STK_MUST_USE enum stk_rc stk_store_watch(struct stk_store *store, int64_t pool_id, uint32_t lines,
                                         stk_time_ns until, stk_time_ns now, int64_t *ret_watch_id,
                                         struct stk_error *err);
/* Until when the pool's consoles are watched (0: not at all), and, of watches above
 * after_id, the newest and how many old lines it wants. */
struct stk_watch {
    stk_time_ns until;
    int64_t newest_id;
    uint32_t lines;
};
STK_MUST_USE enum stk_rc stk_store_watched(struct stk_store *store, int64_t pool_id,
                                           int64_t after_id, stk_time_ns now, struct stk_watch *ret,
                                           struct stk_error *err);
struct stk_shipped {
    int64_t id; /* rises */
    int64_t pool_id, job_id;
    uint32_t worker; /* 0: the pool itself */
    stk_time_ns at;
    const char *text; /* the line as its console has it */
};
/* Adds lines (ids are given), and takes away those that came 10 minutes ago. */
STK_MUST_USE enum stk_rc stk_store_ship(struct stk_store *store, const struct stk_shipped *lines,
                                        size_t count, stk_time_ns now, struct stk_error *err);
/* All old lines that this watch, and those before it, wanted of the pool are shipped. */
STK_MUST_USE enum stk_rc stk_store_answer(struct stk_store *store, int64_t watch_id,
                                          int64_t pool_id, struct stk_error *err);
/* The pools that have answered the watch. */
STK_MUST_USE enum stk_rc stk_store_answers(struct stk_store *store, int64_t watch_id,
                                           void (*each)(void *context, int64_t pool_id),
                                           void *context, struct stk_error *err);
typedef void (*stk_shipped_fn)(void *context, const struct stk_shipped *line);
/* Lines above after_id, oldest first, at most `limit`; pool_id 0: of all. */
STK_MUST_USE enum stk_rc stk_store_shipped(struct stk_store *store, int64_t pool_id,
                                           int64_t after_id, size_t limit, stk_shipped_fn each,
                                           void *context, struct stk_error *err);

#endif
