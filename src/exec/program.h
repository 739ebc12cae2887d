/* SPDX-License-Identifier: MIT
 *
 * program - runs one helper program to its end: a session's helper, a hook.
 *
 * As a job's command is run (exec/command.h), by the same spawner and kept
 * together the same way: argv, never a shell; a small environment; descriptors
 * 0 to 3 and no other; a process group of its own; SIGTERM, then SIGKILL, to all
 * that is left. What goes in and what comes out may be secret: neither is ever
 * on a disk, in an argument or in a text.
 *
 * Memory:  stk_program_new makes, stk_program_free ends. An order is borrowed; a
 *          result owns its output until stk_program_result_release.
 * Threads: one run at a time per struct; stk_program_cancel from any thread.
 * Errors:  are results; `error` is a sentence, with no known secret in it.
 */
#ifndef STK_EXEC_PROGRAM_H
#define STK_EXEC_PROGRAM_H

#include "base/secret.h"
#include "exec/spawner.h"

struct stk_program;

struct stk_program_order {
    const char *const *argv; /* ended by NULL; looked for in PATH */
    const char *const *env;  /* "NAME=value", besides the usual; ended by NULL; or NULL */
    const char *dir;         /* NULL: where the pool was started */
    const char *input;       /* stdin; NULL: empty */
    size_t input_len;
    stk_time_ns time_limit_ns; /* 0: 30 s */
    stk_time_ns grace_ns;      /* from SIGTERM to SIGKILL; 0: 2 s */
    size_t output_bytes_max;   /* 0: STK_SECRET_BYTES_MAX, which is the most */
    int cancel_fd;             /* once it is readable the run is cancelled; 0: none */
};

enum stk_program_end {
    STK_PROGRAM_EXITED,      /* by itself: exit_status says how */
    STK_PROGRAM_TIMED_OUT,   /* over its time limit */
    STK_PROGRAM_CANCELLED,   /* by stk_program_cancel or cancel_fd */
    STK_PROGRAM_NOT_STARTED, /* missing, not executable, no folder: somebody has to act */
    STK_PROGRAM_LOST         /* no process left to start or keep it; a restart helps */
};

struct stk_program_result {
    enum stk_program_end end;
    int exit_status; /* 0..255, 256+N killed by signal N, -1 never started */
    /* What it wrote to descriptor 3, else the last line of stdout that is not
     * blank; NULL: nothing, or more than output_bytes_max. */
    struct stk_secret *output;
    bool output_is_too_long;
    /* "exit status 3: the last line that it complained with"; "": exit status 0. */
    char error[400];
};
void stk_program_result_release(struct stk_program_result *result);

struct stk_program *stk_program_new(struct stk_spawner *spawner);
void stk_program_free(struct stk_program *program);

/* *result is filled anew; release it each time. */
void stk_program_run(struct stk_program *program, const struct stk_program_order *order,
                     struct stk_program_result *result);
/* Ends the run under way, and each later one, until stk_program_arm. */
void stk_program_cancel(struct stk_program *program);
void stk_program_arm(struct stk_program *program);

#endif
