/* SPDX-License-Identifier: MIT
 *
 * fixture - a task made by hand, a runner for it, and eyes for processes.
 *
 * Memory:  fixture_init makes, fixture_release frees, the runner too.
 */
#ifndef STK_TESTS_EXEC_FIXTURE_H
#define STK_TESTS_EXEC_FIXTURE_H

#include <sys/types.h>

#include "base/alloc.h"
#include "exec/command.h"

struct fixture {
    struct stk_runner *runner;
    struct stk_task task;
    struct stk_exec_job job;
    struct stk_exec_result result;
    struct stk_buf lines;   /* "out: first\nerr: second\n" */
    size_t line_max;        /* the longest piece */
    const char *stop_at;    /* on this line ... */
    enum stk_stop stop_how; /* ... stop the job like this, ... */
    void (*on_line)(struct fixture *fixture, const char *line); /* or call this */
    char marker[32]; /* a number no other process has among its arguments */
};

void fixture_init(struct fixture *fixture, struct stk_spawner *spawner);
void fixture_release(struct fixture *fixture);

/* Runs the words as a program, or a script as /bin/sh -c SCRIPT sh MARKER ("$1"). */
void run_words(struct fixture *fixture, const char *const *words);
void run_script(struct fixture *fixture, const char *script);
void set_params(struct fixture *fixture, const char *json);

/* Processes with this among their arguments, zombies not counted. */
unsigned count_marked(const char *marker);
pid_t find_marked(const char *marker); /* one of them, or 0 */
pid_t parent_of(pid_t pid);
pid_t keeper_of(pid_t pid); /* the keeper among its forefathers, or 0 */
bool is_alive(pid_t pid);
unsigned count_children(pid_t parent, char state); /* state 0: any */
unsigned count_fds(pid_t pid);
void wait_a_little(void); /* between two looks at a condition */

/* Looks until nobody has the marker any more; false after 20 s. */
bool await_none_marked(const char *marker);
bool await_dead(pid_t pid);

#endif
