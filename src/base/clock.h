/* SPDX-License-Identifier: MIT
 *
 * clock - what time it is, for those that wait for something.
 *
 * stk_clock_now() is wall time, for due times and what people read; it may
 * jump. stk_clock_mono() never goes back and goes on while the machine
 * sleeps (CLOCK_BOOTTIME): for limits, leases and measuring. Tests shift both.
 *
 * Threads: any.
 */
#ifndef STK_BASE_CLOCK_H
#define STK_BASE_CLOCK_H

#include "base/defs.h"

stk_time_ns stk_clock_now(void);
stk_time_ns stk_clock_mono(void);

/* Lets time go by, of one who polls; a signal makes it shorter. */
void stk_clock_pause(stk_time_ns time);

/* Tests only: moves both clocks from now on. Calls add up: 1 h and 1 h are 2 h. */
void stk_clock_shift(stk_time_ns by);

#endif
