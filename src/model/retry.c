/* SPDX-License-Identifier: MIT */
#include "model/retry.h"

#include <assert.h>

/* min doubled `times` times, at most max; doubled step by step, for a shift
 * would overflow long before max stops it. */
static stk_time_ns doubled(stk_time_ns min, stk_time_ns max, uint32_t times)
{
    stk_time_ns wait = min < max ? min : max;
    for (uint32_t i = 0; i < times && wait > 0 && wait < max; i++) {
        wait = wait > max / 2 ? max : 2 * wait;
    }
    return wait;
}

stk_time_ns stk_retry_backoff(const struct stk_retry *retry, uint32_t attempt, uint64_t dice)
{
    assert(retry != NULL);
    assert(retry->backoff_min_ns >= 0 && retry->backoff_max_ns >= 0);

    uint32_t times = attempt > 0 ? attempt - 1 : 0;
    stk_time_ns all = doubled(retry->backoff_min_ns, retry->backoff_max_ns, times);
    stk_time_ns half = all / 2;
    uint64_t spread = (uint64_t)(all - half) + 1;
    return half + (stk_time_ns)(dice % spread);
}
