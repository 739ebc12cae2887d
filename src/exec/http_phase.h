/* SPDX-License-Identifier: MIT
 *
 * http_phase - the steps of a job that runs at an authority, each from what is
 * known to the outcome of this run; private to src/exec.
 *
 * Each leaves turn->result->remote as what is known now.
 *
 * Threads: the worker's.
 */
#ifndef STK_EXEC_HTTP_PHASE_H
#define STK_EXEC_HTTP_PHASE_H

#include "exec/http_talk.h"

void stk_http_submit(struct stk_http_turn *turn);
void stk_http_adopt(struct stk_http_turn *turn);
void stk_http_poll(struct stk_http_turn *turn);
void stk_http_fetch(struct stk_http_turn *turn);
void stk_http_call_off(struct stk_http_turn *turn); /* a person has cancelled it */

/* --- for these alone ------------------------------------------------------ */

/* The endings that do not depend on what was asked: stopped, impossible, lost,
 * throttled. True: that was one. */
bool stk_http_end_alike(struct stk_http_turn *turn);
/* It goes on there; asked again at `poll_at`. `why`: what stood in the way, or
 * NULL. */
void stk_http_park(struct stk_http_turn *turn, stk_time_ns poll_at, const char *why);
/* No answer that says anything: asked again, ever more seldom. */
void stk_http_park_unanswered(struct stk_http_turn *turn);
/* `text`: a handle as the authority gave it, an address when it came in a header.
 * False: there is none, or it is of no use; turn->why says so. */
bool stk_http_keep_handle(struct stk_http_turn *turn, const char *text);

#endif
