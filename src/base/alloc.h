/* SPDX-License-Identifier: MIT
 *
 * alloc - small allocations that never fail: out of memory ends the process.
 *
 * A crash loses nothing (attempts are counted at claim, running jobs are given
 * back), so no caller carries a path that nobody can test. Whatever has a size
 * that an outsider chooses is checked against a limit first.
 *
 * Memory:  free() ends each of these.
 * Threads: any.
 */
#ifndef STK_BASE_ALLOC_H
#define STK_BASE_ALLOC_H

#include "base/defs.h"

void *stk_alloc(size_t bytes);                                 /* zeroed */
void *stk_realloc(void *old, size_t count, size_t bytes_each); /* overflow checked; not zeroed */
char *stk_strdup(const char *text);                            /* NULL stays NULL */
char *stk_strndup(const char *text, size_t len);
char *stk_format(const char *fmt, ...) STK_PRINTF(1, 2);

/* Texts with NULL at the end, and the array; NULL is a no-op. */
void stk_texts_free(char **texts);

/* For STK_CLEANUP on `char *`. */
void stk_freep(char **text);

#endif
