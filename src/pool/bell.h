/* SPDX-License-Identifier: MIT
 *
 * bell - one thread sleeps until another rings.
 *
 * A ring before the wait is not lost: the next wait returns at once. Rings do
 * not add up. Costs no system call while nobody sleeps, which is why this is
 * not a condition variable: the desk and its workers meet 100,000 times a
 * second (docs/decisions/0004-desk.md).
 *
 * Memory:  plain storage, zero is ready; nothing to release.
 * Threads: one waiter at a time, any number of ringers.
 */
#ifndef STK_POOL_BELL_H
#define STK_POOL_BELL_H

#include <stdatomic.h>

#include "base/defs.h"

struct stk_bell {
    _Atomic uint32_t word_;
};

void stk_bell_ring(struct stk_bell *bell);
/* timeout_ns < 0: for ever. True: rung; false: the time is over. */
bool stk_bell_wait(struct stk_bell *bell, stk_time_ns timeout_ns);

#endif
