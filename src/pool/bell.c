/* SPDX-License-Identifier: MIT */
#include "pool/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { QUIET, RUNG, ASLEEP };

void stk_bell_ring(struct stk_bell *bell)
{
    if (atomic_exchange(&bell->word_, RUNG) != ASLEEP) return;
    (void)syscall(SYS_futex, &bell->word_, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void doze(struct stk_bell *bell, stk_time_ns left_ns)
{
    struct timespec left = { .tv_sec = left_ns / STK_SECOND, .tv_nsec = left_ns % STK_SECOND };
    (void)syscall(SYS_futex, &bell->word_, FUTEX_WAIT_PRIVATE, ASLEEP, left_ns < 0 ? NULL : &left,
                  NULL, 0);
}

bool stk_bell_wait(struct stk_bell *bell, stk_time_ns timeout_ns)
{
    stk_time_ns end = timeout_ns < 0 ? 0 : stk_clock_mono() + timeout_ns;
    for (;;) {
        uint32_t word = RUNG;
        if (atomic_compare_exchange_strong(&bell->word_, &word, QUIET)) return true;
        word = QUIET;
        (void)atomic_compare_exchange_strong(&bell->word_, &word, ASLEEP);

        stk_time_ns left_ns = timeout_ns < 0 ? -1 : end - stk_clock_mono();
        if (timeout_ns >= 0 && left_ns <= 0) {
            /* A ring that came this instant still counts. */
            return atomic_exchange(&bell->word_, QUIET) == RUNG;
        }
        doze(bell, left_ns);
    }
}

/* --- the gong ------------------------------------------------------------ */

/* The word changes with every stroke, so that a stroke between the look at
 * called_ and the sleep is not missed. */
void stk_sleeper_wait(struct stk_sleeper *sleeper)
{
    _Atomic uint32_t *strokes = &sleeper->gong->strokes_;
    for (;;) {
        uint32_t before = atomic_load(strokes);
        if (atomic_exchange(&sleeper->called_, false)) return;
        (void)syscall(SYS_futex, strokes, FUTEX_WAIT_BITSET_PRIVATE, before, NULL, NULL,
                      sleeper->bit);
    }
}

void stk_sleeper_call(struct stk_sleeper *sleeper)
{
    atomic_store(&sleeper->called_, true);
}

void stk_gong_strike(struct stk_gong *gong, uint32_t bits)
{
    (void)atomic_fetch_add(&gong->strokes_, 1);
    (void)syscall(SYS_futex, &gong->strokes_, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}
