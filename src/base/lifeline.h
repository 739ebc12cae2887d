/* SPDX-License-Identifier: MIT
 *
 * lifeline - a moment that is put off again and again, and a thread that acts
 * when it comes.
 *
 * Counts by the clock that goes on while the machine sleeps; so a machine that
 * was suspended finds out within a second of waking up.
 *
 * Memory:  start makes, stop frees; NULL is a line that never ends.
 * Threads: start and stop by one, the rest by any.
 */
#ifndef STK_BASE_LIFELINE_H
#define STK_BASE_LIFELINE_H

#include "base/err.h"

struct stk_lifeline;

/* `over` is called on its thread, once for each life. until 0: there is none yet. */
STK_MUST_USE enum stk_rc stk_lifeline_start(stk_time_ns until, void (*over)(void *context),
                                            void *context, struct stk_lifeline **ret,
                                            struct stk_error *err);
void stk_lifeline_stop(struct stk_lifeline *line);

bool stk_lifeline_is_over(struct stk_lifeline *line);
/* Nothing when it is over: there is no way back. */
void stk_lifeline_extend(struct stk_lifeline *line, stk_time_ns until);
void stk_lifeline_cut(struct stk_lifeline *line);                      /* it is over now */
void stk_lifeline_renew(struct stk_lifeline *line, stk_time_ns until); /* the next life */

#endif
