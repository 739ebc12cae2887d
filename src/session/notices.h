/* SPDX-License-Identifier: MIT
 *
 * notices - what model/notice says is due, written down for those channels that
 * want it.
 *
 * A key that was said already changes nothing, so that asking once too often is
 * harmless; session/notifier delivers.
 *
 * Threads: the store's.
 * Errors:  the store's.
 */
#ifndef STK_SESSION_NOTICES_H
#define STK_SESSION_NOTICES_H

#include "model/notice.h"
#include "model/settings.h"
#include "store/store.h"

/* *ret_fresh: one of them is new. A repeat leaves out the channels that have
 * quiet hours now; what no channel takes is not written. */
STK_MUST_USE enum stk_rc stk_notices_add(struct stk_store *store,
                                         const struct stk_settings *settings,
                                         const struct stk_notices *notices, stk_time_ns now,
                                         bool *ret_fresh, struct stk_error *err);

/* All that is due of a session; *ret_again as in struct stk_notices. `before` may
 * be NULL. */
STK_MUST_USE enum stk_rc
stk_notices_say(struct stk_store *store, const struct stk_settings *settings,
                const struct stk_session_spec *spec, const struct stk_session *before,
                const struct stk_session *session, stk_time_ns now, stk_time_ns *ret_again,
                bool *ret_fresh, struct stk_error *err);

/* How many jobs need the session, and how long they will take. */
STK_MUST_USE enum stk_rc stk_notices_facts(struct stk_store *store,
                                           const struct stk_settings *settings,
                                           const struct stk_session_spec *spec, stk_time_ns now,
                                           struct stk_notice_facts *ret, struct stk_error *err);

#endif
