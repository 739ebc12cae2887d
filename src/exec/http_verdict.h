/* SPDX-License-Identifier: MIT
 *
 * http_verdict - from an answer to what it means; private to src/exec.
 *
 * Threads: no shared state.
 */
#ifndef STK_EXEC_HTTP_VERDICT_H
#define STK_EXEC_HTTP_VERDICT_H

#include "exec/http_talk.h"

/* Fills turn->meaning and ->why, and result->signal, from turn->reply or, when
 * rc is not STK_OK, from why there is none. `is_question`: it asked for data,
 * which an empty answer or a redirect does not give. */
void stk_http_judge(struct stk_http_turn *turn, enum stk_rc rc, const struct stk_error *err,
                    enum stk_limit_class class_, bool is_question);

/* A redirect that leads to where people sign in. */
bool stk_http_leads_to_login(const struct stk_http_turn *turn);

/* Where the next question is due: the authority's Retry-After, else `every`. */
stk_time_ns stk_http_next_poll(const struct stk_http_turn *turn);

#endif
