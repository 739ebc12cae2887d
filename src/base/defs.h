/* SPDX-License-Identifier: MIT
 *
 * defs - the compiler attributes and the few helpers that all code may use.
 */
#ifndef STK_BASE_DEFS_H
#define STK_BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_MUST_USE     __attribute__((warn_unused_result))
#define STK_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define STK_CLEANUP(fn)  __attribute__((cleanup(fn)))
#define STK_NORETURN     __attribute__((noreturn))
#define STK_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Nanoseconds since the Unix epoch. model/, store/, feed/ and api/ are given
 * the time; only those that wait for something read a clock (base/clock). */
typedef int64_t stk_time_ns;

#define STK_US     ((stk_time_ns)1000)
#define STK_MS     ((stk_time_ns)1000000)
#define STK_SECOND ((stk_time_ns)1000000000)
#define STK_MINUTE (60 * STK_SECOND)
#define STK_HOUR   (60 * STK_MINUTE)
#define STK_DAY    (24 * STK_HOUR)

#endif
