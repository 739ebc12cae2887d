/* SPDX-License-Identifier: MIT
 *
 * verdict - from how a program ended to the outcome of its attempt; private to
 * src/exec.
 *
 * Threads: no shared state.
 */
#ifndef STK_EXEC_VERDICT_H
#define STK_EXEC_VERDICT_H

#include "exec/capture.h"
#include "exec/exec.h"
#include "exec/wire.h"

/* An attempt that ended in a way of stoker's own, with a sentence. */
void stk_verdict_say(struct stk_exec_result *result, enum stk_outcome outcome, const char *fmt, ...)
    STK_PRINTF(3, 4);

/* The program could not be started. */
void stk_verdict_not_started(struct stk_exec_result *result, const char *program, const char *dir,
                             enum stk_stage stage, int error);
/* "could not start ./fetch: No such file or directory" */
void stk_verdict_add_not_started(struct stk_buf *buf, const char *program, const char *dir,
                                 enum stk_stage stage, int error);
/* "exit status 1" or "killed by signal 9 (...)", and what it last complained of. */
void stk_verdict_add_ended(struct stk_buf *buf, const struct stk_capture *capture, int status);

/* It ended by itself, with `status` as waitpid gives it. */
void stk_verdict_ended(struct stk_exec_result *result, const struct stk_capture *capture,
                       int status, stk_time_ns now);

/* The exit_status of a result. */
int stk_verdict_exit_status(int status);

#endif
