/* SPDX-License-Identifier: MIT
 *
 * hints - what one process may tell the others that share the store, so that
 * they look at once and not at their next poll. A hint can be lost: the row is
 * the truth.
 *
 * A transaction gathers hints; who commits has them told, by its listener, or
 * at once on its own connection.
 *
 * Memory:  stk_store_listen makes a listener, stk_listener_close frees it; NULL
 *          is a no-op.
 * Threads: a listener has one of its own, and may be told from any.
 * Errors:  a listener reconnects by itself; opening one fails as a store does.
 */
#ifndef STK_STORE_HINTS_H
#define STK_STORE_HINTS_H

#include "store/store.h"

/* clang-format off */
#define STK_HINT_MAP(X)                                                  \
    X(JOBS,     "jobs")     /* some became claimable */                   \
    X(SESSIONS, "sessions") /* a row changed: opened, closed, a wish */   \
    X(CANCELS,  "cancels")  /* a running job is to be stopped */          \
    X(SWEEPS,   "sweeps")   /* one is to be filled */                     \
    X(NOTICES,  "notices")  /* one is to be delivered */                  \
    X(WATCH,    "watch")    /* somebody wants to see consoles */
/* clang-format on */
enum stk_hint {
#define STK_HINT_NAME(name, text) STK_HINT_##name,
    STK_HINT_MAP(STK_HINT_NAME)
#undef STK_HINT_NAME
        STK_HINT_COUNT_
};
/* One bit (1 << hint) for each that the transactions committed since the last
 * call are worth; 0 on SQLite. */
unsigned stk_store_hints(struct stk_store *store);

/* An own thread with an own connection that says hints, coalesced to one message
 * in 50 ms, and hears those of others (and its own). `heard` is called on that
 * thread, with all bits whenever it may have missed some. It reconnects by
 * itself. *ret NULL: the store is not shared. */
struct stk_listener;
typedef void (*stk_heard_fn)(void *context, unsigned hints);
STK_MUST_USE enum stk_rc stk_store_listen(const char *url, stk_heard_fn heard, void *context,
                                          struct stk_listener **ret, struct stk_error *err);
void stk_listener_tell(struct stk_listener *listener, unsigned hints); /* NULL, 0: nothing */
/* False: hints do not come through (a pooler between): poll more often. */
bool stk_listener_hears(struct stk_listener *listener);
void stk_listener_close(struct stk_listener *listener); /* says what is left to be said */
/* For a short command, after its commit: at once, on the store's connection. */
void stk_store_tell(struct stk_store *store, unsigned hints);

#endif
