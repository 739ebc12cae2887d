/* SPDX-License-Identifier: MIT
 *
 * retry - when a failed job is tried again.
 *
 * Pure; the dice are passed in.
 */
#ifndef STK_MODEL_RETRY_H
#define STK_MODEL_RETRY_H

#include "base/defs.h"

struct stk_retry {
    uint32_t attempts_max;      /* 3; 1 means never again */
    stk_time_ns backoff_min_ns; /* 1 s */
    stk_time_ns backoff_max_ns; /* 5 min */
    uint32_t interruptions_max; /* 10: a job that kills its pool is not given out for ever */
};
#define STK_RETRY_DEFAULT                                                                  \
    {                                                                                      \
        .attempts_max = 3, .backoff_min_ns = STK_SECOND, .backoff_max_ns = 5 * STK_MINUTE, \
        .interruptions_max = 10,                                                           \
    }

/* The wait after the n-th failed attempt (1 is the first): min doubled n-1
 * times, at most max, then between half of it and all of it, by the dice, so
 * that jobs that failed together do not come back together. */
stk_time_ns stk_retry_backoff(const struct stk_retry *retry, uint32_t attempt, uint64_t dice);

#endif
