/* SPDX-License-Identifier: MIT
 *
 * sweep_line - a sweep on one line: how far it is, and when it may be done.
 *
 * Memory:  the buf is the caller's.
 * Threads: pure.
 * Errors:  none.
 */
#ifndef STK_CLI_SWEEP_LINE_H
#define STK_CLI_SWEEP_LINE_H

#include "base/json.h"
#include "cli/term.h"

/* `sweep`: as GET /sweeps/ID answers. All its points are in, and all ended. */
bool stk_sweep_is_over(const json_t *sweep);
/* "filling", "running", "waiting", "done" */
const char *stk_sweep_state(const json_t *sweep);

/* `sweep 3 first  backtest  [████▌   ]  1,234 of 2,400 · 210/s · about 4s left` */
void stk_sweep_line_add(const struct stk_term *term, const json_t *sweep, struct stk_buf *out);

/* "210/s · about 4s left", or "" when nothing works on it. */
void stk_sweep_pace_add(const struct stk_term *term, const json_t *sweep, struct stk_buf *out);

/* The bar, between brackets: `share` of `width` cells. */
void stk_bar_add(const struct stk_term *term, double share, int width, struct stk_buf *out);

#endif
