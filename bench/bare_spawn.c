/* SPDX-License-Identifier: MIT
 *
 * The bare loop that `stoker bench spawn` is measured against: posix_spawn and
 * wait, as many children at a time. No pipes, no time limits, nobody remembers
 * what became of them.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "bare.h"

static void start(void)
{
    static char program[] = "/bin/true";
    char *argv[] = { program, NULL };
    char *envp[] = { NULL };
    pid_t pid = 0;
    int code = posix_spawn(&pid, program, NULL, NULL, argv, envp);
    if (code != 0) bare_die("could not start %s: %s", program, strerror(code));
}

static void reap(void)
{
    int status = 0;
    if (waitpid(-1, &status, 0) < 0) bare_die("could not wait: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) bare_die("a child failed");
}

int main(int argc, char **argv)
{
    struct bare_options options = bare_options(argc, argv, 5000, 8);
    double begin = bare_seconds();
    int64_t started = 0;
    for (int64_t ended = 0; ended < options.jobs; ended++) {
        while (started < options.jobs && started - ended < options.batch) {
            start();
            started++;
        }
        reap();
    }
    double seconds = bare_seconds() - begin;
    printf("{\"bench\":\"bare_spawn\",\"jobs\":%lld,\"workers\":%lld,\"jobs_per_s\":%.0f}\n",
           (long long)options.jobs, (long long)options.batch, (double)options.jobs / seconds);
    return 0;
}
