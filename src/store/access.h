/* SPDX-License-Identifier: MIT
 *
 * access - how those above the store reach it, without knowing who owns it.
 *
 * In a pool a write is handed to the desk, which runs it inside its next round
 * (group commit), and a read borrows one of a few read-only stores. In a short
 * command both run at once on the one store that the command has opened. The
 * callers, api/ and feed/, cannot tell.
 *
 * Threads: write and read may be called from any thread of a pool; they block.
 * Errors:  what fn returns, or why the transaction could not be made durable.
 *          A write that did not return STK_OK left nothing behind.
 */
#ifndef STK_STORE_ACCESS_H
#define STK_STORE_ACCESS_H

#include "store/store.h"

/* Runs on the thread that owns the store, inside a transaction: do the writes,
 * return. May be run again from its start when the transaction had to be
 * rolled back for another's sake, so it sets its results, never adds to them. */
typedef enum stk_rc (*stk_write_fn)(struct stk_store *store, void *arg, stk_time_ns now,
                                    struct stk_error *err);
typedef enum stk_rc (*stk_read_fn)(struct stk_store *store, void *arg, struct stk_error *err);

struct stk_access {
    enum stk_rc (*write)(void *context, stk_write_fn fn, void *arg, struct stk_error *err);
    enum stk_rc (*read)(void *context, stk_read_fn fn, void *arg, struct stk_error *err);
    void *context;
};

STK_MUST_USE enum stk_rc stk_write(const struct stk_access *access, stk_write_fn fn, void *arg,
                                   struct stk_error *err);
STK_MUST_USE enum stk_rc stk_read(const struct stk_access *access, stk_read_fn fn, void *arg,
                                  struct stk_error *err);

/* Straight to a store of the calling thread's own: begin, fn, commit. */
struct stk_access stk_access_direct(struct stk_store *store);

#endif
