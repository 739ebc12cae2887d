/* SPDX-License-Identifier: MIT
 *
 * bell - one thread sleeps until another rings; a gong wakes a choice of many.
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

/* A gong wakes any choice of up to 32 sleepers with one system call. A sleeper
 * that was called but not yet struck for is awake at its next wait all the same.
 * Zero is ready; `gong` and `bit` (one of 32, nobody else's) are set first. */
enum { STK_GONG_SLEEPERS = 32 };
struct stk_gong {
    _Atomic uint32_t strokes_;
};
struct stk_sleeper {
    struct stk_gong *gong;
    uint32_t bit;
    _Atomic bool called_;
};
void stk_sleeper_wait(struct stk_sleeper *sleeper); /* until it is called */
void stk_sleeper_call(struct stk_sleeper *sleeper); /* heard at the next stroke */
void stk_gong_strike(struct stk_gong *gong, uint32_t bits);

#endif
