/* SPDX-License-Identifier: MIT
 *
 * nursery - the small process from which keepers come; private to src/exec.
 *
 * Threads: a process with one thread.
 */
#ifndef STK_EXEC_NURSERY_H
#define STK_EXEC_NURSERY_H

#include <sys/types.h>

#include "base/defs.h"

/* One way of keeping what programs start together. The first that works on
 * this host is taken. */
struct stk_layer {
    const char *name;
    bool contained;
    int nursery_flags; /* of clone, for the nursery */
    int keeper_flags;
};
extern const struct stk_layer stk_layers[];
extern const size_t stk_layer_count;

/* What the nursery first says to the pool. */
struct stk_nursery_ready {
    int32_t error; /* 0, or the errno of what this host refused */
};

/* Forks a nursery that serves `socket`; its first message is a struct
 * stk_nursery_ready. For a process with one thread. -1: errno. */
pid_t stk_nursery_start(const struct stk_layer *layer, int socket);

#endif
