/* SPDX-License-Identifier: MIT
 *
 * late - a shared library that is loaded when it is first needed, not linked.
 *
 * For libraries that bring many others along: the dynamic loader would spend
 * more time on them than a short command takes for all else (base/curl.h,
 * server/mhd.h).
 *
 * Memory:  a library stays loaded: those here keep state of the process.
 * Threads: load a library once (pthread_once); the table is then read-only.
 * Errors:  false: ret_why says what the loader said.
 */
#ifndef STK_BASE_LATE_H
#define STK_BASE_LATE_H

#include "base/defs.h"

/* Where in a struct of pointers the function of that name belongs. */
struct stk_late_row {
    const char *name;
    size_t offset;
};
bool stk_late_load(const char *library, const struct stk_late_row *rows, size_t count,
                   void *ret_table, char *ret_why, size_t why_size);

#endif
