/* SPDX-License-Identifier: MIT
 *
 * Why not posix_spawn: it knows neither limits nor nice values nor a parent's
 * death. Why not vfork(): what a compiler makes of two returns on one stack is
 * a matter of faith; clone() gives the child a stack of its own.
 *
 * The functions of the child are kept from the sanitizers: they share the
 * parent's memory, leave by execve, and so never return what they noted down.
 */
#include "exec/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define IN_CHILD __attribute__((no_sanitize("address"), no_sanitize("thread")))

enum { STACK_BYTES = 64 * 1024 };

/* clang-format off */
static const struct {
    __rlimit_resource_t resource;
    rlim_t more; /* of the hard limit: a program told by SIGXCPU may still write something */
} limit_rows[STK_LIMIT_COUNT_] = {
    [STK_LIMIT_MEMORY] = { RLIMIT_AS,     0 },
    [STK_LIMIT_CPU]    = { RLIMIT_CPU,    5 },
    [STK_LIMIT_FILES]  = { RLIMIT_NOFILE, 0 },
    [STK_LIMIT_FILE]   = { RLIMIT_FSIZE,  0 },
};
/* clang-format on */

IN_CHILD static rlim_t smaller(rlim_t a, rlim_t b)
{
    return a < b ? a : b;
}

/* Limits only come down: a hard limit of the host that is lower stays. */
IN_CHILD static bool set_limits(const struct stk_launch *launch)
{
    for (size_t i = 0; i < STK_LIMIT_COUNT_; i++) {
        if (launch->limits[i] == 0) continue;
        struct rlimit limit;
        if (getrlimit(limit_rows[i].resource, &limit) != 0) return false;
        limit.rlim_max = smaller(limit.rlim_max, launch->limits[i] + limit_rows[i].more);
        limit.rlim_cur = smaller(limit.rlim_max, launch->limits[i]);
        if (setrlimit(limit_rows[i].resource, &limit) != 0) return false;
    }
    return launch->nice == 0 || setpriority(PRIO_PROCESS, 0, launch->nice) == 0;
}

/* The keeper's own 0 to 3 are taken, so only 4 can be source and target in one:
 * then it is the last, and dup2 would leave it to be closed by exec. */
IN_CHILD static bool set_fds(const struct stk_launch *launch)
{
    for (int i = 0; i < (int)launch->fd_count; i++) {
        if (launch->fds[i] == i) {
            if (fcntl(i, F_SETFD, 0) != 0) return false;
        } else if (dup2(launch->fds[i], i) < 0) {
            return false;
        }
    }
    /* All others close by exec anyway; this is for what a library left open. A
     * kernel before 5.9 does not have it. */
    (void)close_range((unsigned)launch->fd_count, ~0U, CLOSE_RANGE_CLOEXEC);
    return true;
}

/* As execvp looks for it, but with the child's PATH, and never through a shell
 * when the file has no format. Comes back only to fail; errno says why. */
IN_CHILD static void become(const struct stk_launch *launch)
{
    const char *name = launch->argv[0];
    if (strchr(name, '/') != NULL || *name == '\0') {
        (void)execve(name, launch->argv, launch->env);
        return;
    }

    int cause = ENOENT;
    for (const char *from = launch->path; from != NULL;) {
        const char *end = strchr(from, ':');
        size_t len = end != NULL ? (size_t)(end - from) : strlen(from);
        char file[PATH_MAX];
        /* An empty part is the working folder. */
        int wrote =
            snprintf(file, sizeof(file), "%.*s%s%s", (int)len, from, len > 0 ? "/" : "", name);
        if (wrote > 0 && wrote < (int)sizeof(file)) {
            (void)execve(file, launch->argv, launch->env);
            if (errno != ENOENT && errno != ENOTDIR) cause = errno;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
        }
        from = end != NULL ? end + 1 : NULL;
    }
    errno = cause;
}

IN_CHILD static int fail(struct stk_launch *launch, enum stk_stage stage)
{
    launch->stage = stage;
    launch->error = errno;
    _exit(127);
}

IN_CHILD static int child_main(void *context)
{
    struct stk_launch *launch = context;
    (void)setsid(); /* cannot fail: a child just made leads no group */
    if (launch->die_with_keeper) (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!set_fds(launch)) return fail(launch, STK_STAGE_FORK);
    if (!set_limits(launch)) return fail(launch, STK_STAGE_LIMITS);
    if (launch->dir != NULL && chdir(launch->dir) != 0) return fail(launch, STK_STAGE_DIR);

    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    become(launch);
    return fail(launch, STK_STAGE_EXEC);
}

pid_t stk_launch(struct stk_launch *launch)
{
    static _Alignas(64) char stack[STACK_BYTES];
    launch->error = 0;
    pid_t pid = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, launch);
    if (pid < 0) {
        launch->stage = STK_STAGE_FORK;
        launch->error = errno;
        return -1;
    }
    if (launch->error == 0) return pid;

    int cause = launch->error;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    launch->error = cause;
    return -1;
}
