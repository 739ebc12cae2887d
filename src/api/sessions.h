/* SPDX-License-Identifier: MIT
 *
 * sessions - the sessions as JSON rows, for their own routes, status and why.
 *
 * Private to api/.
 */
#ifndef STK_API_SESSIONS_H
#define STK_API_SESSIONS_H

#include "api/request.h"

/* Which of the settings' sessions the caller may renew: only they see links and
 * codes. [settings->session_count]; free() ends it. */
STK_MUST_USE enum stk_rc stk_sessions_seen(const struct stk_call *call, bool **ret,
                                           struct stk_error *err);

/* Adds one row for each session of the settings: {"name", "provider", "state",
 * "generation", "open", "needs_person", "expires_in", "expires_at",
 * "deadline_at", "renewed_by", "renewed_at", "closed_since", "link", "code",
 * "challenge_expires_in", "blocked_until", "reason", "queues", "pending",
 * "waiting_workers", "work_s", "projection", "warn", "text"}. `idle`: workers that are free now. */
STK_MUST_USE enum stk_rc stk_sessions_read(struct stk_store *store,
                                           const struct stk_settings *settings, const bool *seen,
                                           int64_t idle, stk_time_ns now, json_t *rows,
                                           struct stk_error *err);

/* Adds the sentence of the queue's session while it lets none of its jobs
 * start; nothing when it does, or when there is none. */
STK_MUST_USE enum stk_rc stk_sessions_why(struct stk_store *store,
                                          const struct stk_settings *settings, const char *queue,
                                          stk_time_ns now, struct stk_buf *ret_text,
                                          struct stk_error *err);

#endif
