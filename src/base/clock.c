/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic stk_time_ns shift;

static stk_time_ns read_clock(clockid_t id)
{
    struct timespec time = { 0 };
    int code = clock_gettime(id, &time);
    assert(code == 0);
    (void)code;
    return time.tv_sec * STK_SECOND + time.tv_nsec + atomic_load(&shift);
}

stk_time_ns stk_clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

stk_time_ns stk_clock_mono(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

void stk_clock_pause(stk_time_ns time)
{
    struct timespec left = { .tv_sec = time / STK_SECOND, .tv_nsec = time % STK_SECOND };
    (void)nanosleep(&left, NULL);
}

void stk_clock_shift(stk_time_ns by)
{
    (void)atomic_fetch_add(&shift, by);
}
