/* SPDX-License-Identifier: MIT
 *
 * named - a map of stoker.yaml whose keys are names people choose: tasks,
 * sessions, limits, channels. It becomes an array, sorted by name.
 *
 * Memory:  the array and what is in it are the caller's; nothing stays after an
 *          error.
 * Threads: as of the reader.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_NAMED_H
#define STK_MODEL_NAMED_H

#include "base/config.h"

struct stk_named {
    const char *one, *many; /* "task", "tasks" */
    size_t most;
    size_t size; /* of a struct whose first member is its name, a char * of its own */
    /* Fills a struct of zeros, the name too; what it leaves after an error is released. */
    enum stk_rc (*read)(const struct stk_node *node, const char *dir, void *into,
                        struct stk_error *err);
    void (*release)(void *one); /* zeros are fine */
};

/* node NULL: none. *ret: free() ends it, after each of its *ret_count structs was released. */
STK_MUST_USE enum stk_rc stk_named_read(const struct stk_named *named, const struct stk_node *node,
                                        const char *dir, void **ret, size_t *ret_count,
                                        struct stk_error *err);

#endif
