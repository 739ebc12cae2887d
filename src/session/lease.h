/* SPDX-License-Identifier: MIT
 *
 * lease - who keeps a session, as its row has it.
 *
 * Of several that share a store one has the lease: it alone talks to the
 * authority. It may be taken when nobody has it, when it has run out a grace
 * ago, and by who has it by name (and has forgotten). The epoch rises with each
 * taking; whatever a keeper writes names its epoch (session/record.h), so that
 * one that has lost the lease without knowing writes nothing.
 *
 * Inside a transaction; `now` is that of the write, the database's.
 *
 * Threads: the store's.
 * Errors:  the store's.
 */
#ifndef STK_SESSION_LEASE_H
#define STK_SESSION_LEASE_H

#include "store/store.h"

struct stk_lease {
    const char *session;
    const char *owner;    /* "p3 on host" */
    stk_time_ns lease_ns; /* 0: as long as the store is open, which nobody else has */
};

bool stk_lease_is_free(const struct stk_lease *lease, const struct stk_session *row,
                       stk_time_ns now);
/* *ret_row: as it now is; *ret_taken false: another one has it, nothing is written. */
STK_MUST_USE enum stk_rc stk_lease_take(struct stk_store *store, const struct stk_lease *lease,
                                        stk_time_ns now, struct stk_session *ret_row,
                                        bool *ret_taken, struct stk_error *err);
/* *ret_held false: the epoch is another one by now. */
STK_MUST_USE enum stk_rc stk_lease_extend(struct stk_store *store, const struct stk_lease *lease,
                                          int64_t epoch, stk_time_ns now, bool *ret_held,
                                          struct stk_error *err);
/* Nobody has it from now on, if that epoch still had. */
STK_MUST_USE enum stk_rc stk_lease_end(struct stk_store *store, const struct stk_lease *lease,
                                       int64_t epoch, struct stk_error *err);

#endif
