/* SPDX-License-Identifier: MIT
 *
 * poll - hints can be lost, the row is the truth: so it is looked at now and
 * then, more often where hints do not come through at all.
 */
#ifndef STK_POOL_POLL_H
#define STK_POOL_POLL_H

#include "base/rand.h"
#include "store/hints.h"

#define STK_POLL_NS      (5 * STK_SECOND)
#define STK_POLL_DEAF_NS STK_SECOND

/* A fifth more or less, so that many pools do not all come at once. */
static inline stk_time_ns stk_poll_about(stk_time_ns wait_ns)
{
    return wait_ns - wait_ns / 5 + (stk_time_ns)stk_rand_below(1000) * (wait_ns / 2500);
}

/* How long to wait until the next look. NULL: nobody else writes to the store. */
static inline stk_time_ns stk_poll_next(struct stk_listener *listener)
{
    bool is_deaf = listener != NULL && !stk_listener_hears(listener);
    return stk_poll_about(is_deaf ? STK_POLL_DEAF_NS : STK_POLL_NS);
}

#endif
