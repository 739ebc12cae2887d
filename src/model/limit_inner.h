/* SPDX-License-Identifier: MIT
 *
 * limit_inner - what the files of limit share: limit.c (the numbers in force,
 * admission, turns), limit_signal.c (what an answer does), limit_text.c (for
 * people). Private to them.
 */
#ifndef STK_MODEL_LIMIT_INNER_H
#define STK_MODEL_LIMIT_INNER_H

#include "model/limit.h"

/* Nothing is counted further than this: sums with a wall time stay far from the
 * end of stk_time_ns. */
#define STK_LIMIT_FAR         (3650 * STK_DAY)
#define STK_LIMIT_PROBE_EVERY (5 * STK_MINUTE) /* a learned cap rises by one */

enum { STK_LIMIT_GROWTH_MAX = 64 }; /* of an interval that adapts, times the configured one */

static inline stk_time_ns stk_limit_min(stk_time_ns a, stk_time_ns b)
{
    return a < b ? a : b;
}

static inline stk_time_ns stk_limit_max(stk_time_ns a, stk_time_ns b)
{
    return a > b ? a : b;
}

/* At most STK_LIMIT_FAR; ns >= 0, times >= 0. */
static inline stk_time_ns stk_limit_multiply(stk_time_ns ns, int64_t times)
{
    return times > 0 && ns > STK_LIMIT_FAR / times ? STK_LIMIT_FAR : ns * times;
}

/* From 0 to a fifth of the wait, bounded. */
stk_time_ns stk_limit_jitter(stk_time_ns wait, uint64_t dice);
stk_time_ns stk_limit_interval_configured(const struct stk_limit_spec *spec);
/* What the authority let us have, plus one for each probe that is due; 0: nothing
 * is learned, or it is too old. */
uint32_t stk_limit_learned_cap(const struct stk_limit *limit, stk_time_ns now);

/* Of the quota's window that `now` lies in. */
int64_t stk_limit_used(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                       stk_time_ns now);
bool stk_limit_is_used_up(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          stk_time_ns now);
void stk_limit_roll_window(struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now);

#endif
