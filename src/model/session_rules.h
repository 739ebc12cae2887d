/* SPDX-License-Identifier: MIT
 *
 * session_rules - what session.c (how a state is left), session_clocks.c (what
 * moves with it) and session_plan.c (what the keeper does next) share.
 *
 * Threads: pure.
 */
#ifndef STK_MODEL_SESSION_RULES_H
#define STK_MODEL_SESSION_RULES_H

#include "model/session.h"

/* How often a question is asked again before silence means unreachable. */
enum { STK_SESSION_ASK_AGAIN = 2 };

/* A moment that is set and has come. */
bool stk_session_is_past(stk_time_ns moment, stk_time_ns now);

/* No call to the authority: blocked_until is ahead, or its end is unknown. */
bool stk_session_is_blocked(const struct stk_session *session, stk_time_ns now);

/* From when on the credential ends soon; STK_NEVER when it has no end. */
stk_time_ns stk_session_soon_at(const struct stk_session *session,
                                const struct stk_session_spec *spec);

/* The silent renewal of this generation was begun; how it ended may be unknown. */
bool stk_session_renewal_begun(const struct stk_session *session);

/* In RENEWING, after no answer: once more, while the authority forgives it. */
bool stk_session_may_resend(const struct stk_session *session, const struct stk_session_spec *spec,
                            stk_time_ns now);

/* A person said ready, not too long ago, and no challenge was made since. */
bool stk_session_is_ready(const struct stk_session *session, const struct stk_session_spec *spec,
                          stk_time_ns now);

/* The two halves of stk_session_next that move clocks and counters: what the
 * event brings, with the state still the old one; and, with the new one, when
 * the keeper may ask again (silence backs off, a poll keeps its pace). */
void stk_session_move_clocks(struct stk_session *session, const struct stk_session_spec *spec,
                             enum stk_session_event event, const struct stk_session_news *news,
                             stk_time_ns now, uint64_t dice);
void stk_session_set_tries(struct stk_session *session, const struct stk_session_spec *spec,
                           enum stk_session_event event, const struct stk_session_news *news,
                           stk_time_ns now, uint64_t dice);

/* Cut to size between two characters; NULL is "". */
void stk_session_set_text(char *place, size_t size, const char *text);

#endif
