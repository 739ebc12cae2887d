/* SPDX-License-Identifier: MIT
 *
 * environ - where a program runs, with what arguments and what environment, as
 * the block of a RUN message (exec/wire.h); private to src/exec.
 *
 * Memory:  STK_BLOCK_INIT is empty; reuse for every job, release at the end.
 * Threads: one at a time; reads the process's environment, which nobody may
 *          change while there are threads.
 */
#ifndef STK_EXEC_ENVIRON_H
#define STK_EXEC_ENVIRON_H

#include "base/buf.h"
#include "exec/exec.h"

struct stk_block {
    struct stk_buf slots; /* uint64_t offsets */
    struct stk_buf text;
    uint32_t argc;
    char *program; /* argv[0], for messages */
};
#define STK_BLOCK_INIT \
    {                  \
        .argc = 0      \
    }

/* STK_INVALID when the task's template wants a parameter the job has not. */
STK_MUST_USE enum stk_rc stk_block_fill(struct stk_block *block, const struct stk_exec_job *job,
                                        struct stk_error *err);
/* For a program that is no job's: its words as they are, the usual environment
 * and `env` ("NAME=value", ended by NULL, or NULL). */
void stk_block_fill_words(struct stk_block *block, const char *dir, const char *const *argv,
                          const char *const *env);
void stk_block_release(struct stk_block *block);

#endif
