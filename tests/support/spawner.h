/* SPDX-License-Identifier: MIT
 *
 * spawner - one for all tests of a program, made before its first thread.
 */
#ifndef STK_TESTS_SUPPORT_SPAWNER_H
#define STK_TESTS_SUPPORT_SPAWNER_H

#include "support/test.h"

#include "exec/spawner.h"

static struct stk_spawner *spawner;

/* A shell's own open descriptors, as $fds. Not ls in a pipeline: while it looks,
 * the shell may still hold the pipe. The folder's own descriptor is in the list,
 * and gone when it is asked for. */
#define LIST_DESCRIPTORS \
    "fds=; for f in /proc/$$/fd/*; do [ -e \"$f\" ] && fds=\"$fds${fds:+ }${f##*/}\"; done; "

static inline int start_spawner(void **unused)
{
    (void)unused;
    struct stk_error err;
    return stk_spawner_start(true, &spawner, &err) == STK_OK ? 0 : -1;
}

static inline int stop_spawner(void **unused)
{
    (void)unused;
    stk_spawner_stop(spawner);
    return 0;
}

#endif
