/* SPDX-License-Identifier: MIT
 *
 * command - runs a program for a job: argv template, JSON on stdin, the result
 * from fd 3 or the last line of stdout.
 *
 * The program gets: its argv; the parameters as one JSON object on stdin; a
 * small environment (PATH, HOME, LANG, TZ, TMPDIR, the task's env and env_pass)
 * with STOKER_JOB_ID, STOKER_ATTEMPT_ID, STOKER_ATTEMPT, STOKER_SWEEP_ID,
 * STOKER_TASK, STOKER_WORKER and STOKER_PARAM_<NAME> for each parameter (what no
 * variable's name may have is '_'; STOKER_SWEEP_ID only for a job of a sweep);
 * the task's working directory; nice value and limits; fds 0, 1, 2, 3 and no
 * other, but of a job with a credential 4, which STOKER_SESSION_FD names: the
 * credential, sealed in memory, to be read only; default signals; umask 077; a session of its own.
 * Of an ordinary user it may not become somebody else (no set-user-id): it could not be killed.
 *
 * Result: what it wrote to fd 3, else the last line of stdout that is not
 * blank. JSON is kept as it is, other text as text; none is a null result. Over
 * the task's limit or not UTF-8: FAILED_FINAL, the cause kept.
 *
 * Exit status, after sysexits.h (one table in verdict.c, repeated in
 * docs/commands.md): 0 COMPLETED; 64, 65 FAILED_FINAL; 75 THROTTLED, a last
 * line {"retry_after": seconds} says when (default 1 s, at most a day); 77
 * SESSION_LOST; anything else, and death by a signal, FAILED. Over its time
 * limit TIMED_OUT. A program that cannot be started (missing, not executable):
 * FAILED_FINAL naming it and why.
 *
 * The attempt ends when the program itself ends (and its output has been read,
 * for at most a second), not when the last holder of its stdout does.
 */
#ifndef STK_EXEC_COMMAND_H
#define STK_EXEC_COMMAND_H

#include "exec/exec.h"
#include "exec/spawner.h"

struct stk_runner *stk_command_new(struct stk_spawner *spawner);

#endif
