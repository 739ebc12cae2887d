/* SPDX-License-Identifier: MIT
 *
 * progress - how far many jobs are, and when they may be done.
 *
 * Pure; the counts and the time are passed in.
 */
#ifndef STK_MODEL_PROGRESS_H
#define STK_MODEL_PROGRESS_H

#include "model/lifecycle.h"

struct stk_counts {
    int64_t of[STK_STATE_COUNT_];
};
int64_t stk_counts_total(const struct stk_counts *counts);
int64_t stk_counts_ended(const struct stk_counts *counts); /* in a final state */

/* A rate over the last half minute or so, from readings of "ended" taken at
 * irregular times: exponentially weighted, 0 before the second reading. */
struct stk_rate {
    stk_time_ns last_; /* 0: no reading yet */
    int64_t ended_;
    double weight_; /* how much of per_s is measured: 0 to 1 */
    double per_s;
};
void stk_rate_add(struct stk_rate *rate, int64_t ended, stk_time_ns now);

/* Time until `left` jobs are ended at that rate; STK_NEVER when nothing moves. */
stk_time_ns stk_rate_eta(const struct stk_rate *rate, int64_t left);

/* A bar of `width` cells out of eighth blocks (or '#' and '.' when ascii):
 * ret_text has at most 3 * width + 1 bytes. */
void stk_progress_bar(double share, int width, bool ascii, char *ret_text);

#endif
