/* SPDX-License-Identifier: MIT
 *
 * tenure - the leases (session/lease.h) that the keepers of this process have.
 *
 * On a shared store one thread extends them, thrice in a lease, whatever the
 * keepers are doing; and each ends by itself, the margin before others may have
 * it, by a clock read before the extension was sent. Then what its keeper asks
 * an authority just now is cancelled. On SQLite they never end, and there are no
 * such threads.
 *
 * Memory:  open makes, close frees; http and the sessions' names are borrowed.
 * Threads: take and holds by each keeper for itself; the rest by their owner,
 *          rename by any.
 * Errors:  the store's.
 */
#ifndef STK_SESSION_TENURE_H
#define STK_SESSION_TENURE_H

#include "base/http.h"
#include "session/lease.h"
#include "store/access.h"

struct stk_tenures;

struct stk_tenures_options {
    struct stk_access access;
    const char *owner;
    stk_time_ns lease_ns; /* 0: they never end */
};
struct stk_tenures *stk_tenures_open(const struct stk_tenures_options *options, size_t count);
/* `http` is cancelled when the lease of that session ends. */
STK_MUST_USE enum stk_rc stk_tenures_add(struct stk_tenures *tenures, size_t at,
                                         const char *session, struct stk_http *http,
                                         struct stk_error *err);
STK_MUST_USE enum stk_rc stk_tenures_start(struct stk_tenures *tenures, struct stk_error *err);
/* What is held is given back: somebody else may go on at once. */
void stk_tenures_close(struct stk_tenures *tenures);

void stk_tenures_rename(struct stk_tenures *tenures, const char *owner);

/* The number of the last taking, which every write names; -1: none yet. */
int64_t stk_tenure_epoch(struct stk_tenures *tenures, size_t at);
/* The row is this keeper's, and will be for a while. */
bool stk_tenure_holds(struct stk_tenures *tenures, size_t at, const struct stk_session *row);
bool stk_tenure_is_over(struct stk_tenures *tenures, size_t at);
/* From now on somebody else may have it. */
void stk_tenure_give_back(struct stk_tenures *tenures, size_t at);
void stk_tenures_owner(struct stk_tenures *tenures, char *ret_owner, size_t size);
/* As far as the row tells; else *ret_at: when to look again, STK_NEVER: not known. */
bool stk_tenure_may_take(struct stk_tenures *tenures, size_t at, const struct stk_session *row,
                         stk_time_ns now, stk_time_ns *ret_at);
/* *ret_row: as it now is; *ret_taken false: another one has it. */
STK_MUST_USE enum stk_rc stk_tenure_take(struct stk_tenures *tenures, size_t at,
                                         struct stk_session *ret_row, bool *ret_taken,
                                         struct stk_error *err);

#endif
