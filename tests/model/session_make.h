/* SPDX-License-Identifier: MIT
 *
 * session_make - a session and what stoker.yaml says of it, for the tests of
 * both halves: how a state is left, and what the keeper does next.
 */
#ifndef STK_TESTS_MODEL_SESSION_MAKE_H
#define STK_TESTS_MODEL_SESSION_MAKE_H

#include "model/session.h"

#define NOW (1000 * STK_HOUR)

/* Tokens of four hours; a challenge lives half an hour and is asked for first. */
static inline struct stk_session_spec make_spec(enum stk_provider provider)
{
    return (struct stk_session_spec){
        .provider = provider,
        .lifetime_ns = 4 * STK_HOUR,
        .deadline_clock_s = -1,
        .challenge_poll_ns = 15 * STK_SECOND,
        .challenge_ttl_ns = 30 * STK_MINUTE,
        .ask_ready = true,
        .ready_ttl_ns = 5 * STK_MINUTE,
    };
}

/* In that state since NOW, with the seventh credential unless there was none. */
static inline struct stk_session make(enum stk_session_state state)
{
    struct stk_session session;
    stk_session_init(&session, "lab");
    if (state == STK_SESSION_NONE) return session;
    session.generation = 7;
    session.renew_tried = 6;
    session.issued_at = session.checked_at = session.changed_at = NOW;
    session.expires_at = NOW + 4 * STK_HOUR;
    session.state = state;
    session.resume_state = STK_SESSION_VALID;
    session.closed_at = stk_session_is_runnable(state) ? STK_NEVER : NOW;
    return session;
}

#endif
