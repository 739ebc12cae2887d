/* SPDX-License-Identifier: MIT
 *
 * launch - starts one program from the keeper; private to src/exec.
 *
 * The child shares the keeper's memory until it has become the program (vfork),
 * so a start costs no copy of anything and its failure is simply written down.
 *
 * Threads: for a process with one thread.
 */
#ifndef STK_EXEC_LAUNCH_H
#define STK_EXEC_LAUNCH_H

#include <sys/types.h>

#include "exec/wire.h"

struct stk_launch {
    const char *dir; /* or NULL: where the keeper is */
    char **argv;
    char **env;
    const char *path; /* PATH of env: where a program without '/' is looked for */
    int fds[STK_WIRE_PROGRAM_FDS_MAX];
    size_t fd_count; /* it has 0 to fd_count - 1 and no other */
    int nice;
    const uint64_t *limits; /* by enum stk_rlimit */
    bool die_with_keeper;   /* ask for a signal when the keeper dies */

    /* Written by the child when it fails. */
    enum stk_stage stage;
    int error;
};

/* The program's pid once it runs; -1: stage and error say why not. */
pid_t stk_launch(struct stk_launch *launch);

#endif
