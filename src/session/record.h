/* SPDX-License-Identifier: MIT
 *
 * record - what happens to a session is written down here, and only here: the
 * row, its secrets, the line of history and the audit, in one transaction.
 *
 * Three may write: the keeper (with its epoch, so that one that was replaced
 * cannot), a person (with a name, after api/ has checked the right), and the
 * desk, for the report of a job that was refused.
 *
 * Threads: the store's.
 * Errors:  the store's. STK_CONFLICT: another keeper has taken over.
 */
#ifndef STK_SESSION_RECORD_H
#define STK_SESSION_RECORD_H

#include "base/seal.h"
#include "store/store.h"

struct stk_session_change {
    const struct stk_session_spec *spec;
    enum stk_session_event event;
    struct stk_session_news news;
    const char *wish;  /* instead of an event: what a person asks of the keeper */
    const char *actor; /* a person; NULL: keeper or job */
    const char *why;   /* what the person says, for the audit; or NULL */
    int64_t epoch;     /* of the keeper that writes; 0: it is none */

    const struct stk_keys *keys;         /* needed with one of: */
    const struct stk_secret *credential; /* with CREDENTIAL; NULL: it has none */
    const struct stk_secret *work;       /* with sets_work; NULL: forget it */
    bool sets_work;
};
/* *ret: the row as it now is; *ret_applied false: the event means nothing in its
 * state (a stale report, a doubled answer), and nothing was written. */
STK_MUST_USE enum stk_rc stk_session_record(struct stk_store *store,
                                            const struct stk_session_change *change,
                                            stk_time_ns now, struct stk_session *ret,
                                            bool *ret_applied, struct stk_error *err);

/* The row of that name, or one that nobody has seen yet. */
STK_MUST_USE enum stk_rc stk_session_row(struct stk_store *store, const char *name,
                                         struct stk_session *ret, struct stk_error *err);

#endif
