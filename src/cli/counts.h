/* SPDX-License-Identifier: MIT
 *
 * counts - jobs by state, and how far they are, as people see it.
 *
 * Memory:  the buf is the caller's.
 * Threads: pure.
 * Errors:  none.
 */
#ifndef STK_CLI_COUNTS_H
#define STK_CLI_COUNTS_H

#include "cli/term.h"
#include "model/progress.h"

/* The colour of a state; an unknown or NULL name is plain. */
enum stk_style stk_state_style(const char *state);

/* "1,234 completed · 8 running": what is not 0, final states first. */
void stk_counts_words_add(const struct stk_term *term, const struct stk_counts *counts,
                          struct stk_buf *out);

/* A bar of `width` cells, each state its share; a state that is not 0 has a
 * cell at least, as long as there are cells. All 0: an empty bar. */
void stk_counts_bar_add(const struct stk_term *term, const struct stk_counts *counts, int width,
                        struct stk_buf *out);

/* "12s", "3h 12m" since that time; "-" when it is STK_NEVER. */
void stk_age_add(struct stk_buf *out, stk_time_ns since, stk_time_ns now);

/* "210/s · about 4s left"; "" when nothing moves. eta_s < 0: unknown. */
void stk_pace_add(const struct stk_term *term, struct stk_buf *out, double per_s, double eta_s);

#endif
