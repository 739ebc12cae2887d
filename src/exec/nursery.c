/* SPDX-License-Identifier: MIT
 *
 * Contained, it is pid 1 of a namespace in which each keeper has one of its
 * own: whatever ends the nursery, the kernel ends all of them. As a subreaper
 * it gets what a killed keeper leaves behind, and ends that.
 */
#include "exec/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/keeper.h"
#include "exec/wire.h"

/* clang-format off */
const struct stk_layer stk_layers[] = {
    { "pid namespace", true,  CLONE_NEWPID,                 CLONE_NEWPID | CLONE_NEWNS },
    { "pid namespace", true,  CLONE_NEWPID | CLONE_NEWUSER, CLONE_NEWPID | CLONE_NEWNS },
    { "subreaper",     false, 0,                            0 },
};
/* clang-format on */
const size_t stk_layer_count = STK_ARRAY_LEN(stk_layers);

/* The raw call, since fork() takes no flags. With no stack of its own and no
 * places to write to, the order of its arguments is the same on all machines
 * but s390, where the flags come second. */
static pid_t fork_with(int flags)
{
    return (pid_t)syscall(SYS_clone, (unsigned long)(flags | SIGCHLD), 0UL, 0UL, 0UL, 0UL);
}

/* ---- set-up ------------------------------------------------------------ */

static void reset_signals(void)
{
    for (int i = 1; i < NSIG; i++) {
        if (i != SIGKILL && i != SIGSTOP) (void)signal(i, SIG_DFL);
    }
    /* A terminal or a service manager signals whole groups; when the pool stops
     * is the pool's business, and its end is heard on the socket. */
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
}

static bool write_file(const char *path, const char *text, int len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = write(fd, text, (size_t)len) == len;
    int cause = errno;
    (void)close(fd);
    errno = cause;
    return ok;
}

/* In a user namespace everybody stays who he is. */
static bool map_ids(uid_t uid, gid_t gid)
{
    char text[64];
    if (!write_file("/proc/self/setgroups", "deny", 4)) return false;
    int len = snprintf(text, sizeof(text), "%u %u 1", uid, uid);
    if (!write_file("/proc/self/uid_map", text, len)) return false;
    len = snprintf(text, sizeof(text), "%u %u 1", gid, gid);
    return write_file("/proc/self/gid_map", text, len);
}

/* Some hosts give a namespace but no rights in it: only a try tells. */
static bool try_keeper(const struct stk_layer *layer)
{
    pid_t pid = fork_with(layer->keeper_flags);
    if (pid < 0) return false;
    if (pid == 0) _exit(stk_keeper_hide_mounts() ? 0 : errno);

    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return false;
    errno = WEXITSTATUS(status);
    return errno == 0;
}

static bool set_up(const struct stk_layer *layer, uid_t uid, gid_t gid)
{
    (void)prctl(PR_SET_NAME, "stoker-nursery");
    if ((layer->nursery_flags & CLONE_NEWUSER) != 0 && !map_ids(uid, gid)) return false;
    if (!layer->contained) return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && try_keeper(layer);
}

/* ---- work -------------------------------------------------------------- */

/* A keeper that cannot be made: its worker hears why on the socket that the
 * keeper would have had. */
static void refuse(int socket, int error)
{
    struct stk_wire_reply reply = { .kind = STK_WIRE_FAILED,
                                    .stage = STK_STAGE_KEEPER,
                                    .error = error };
    struct iovec part = stk_wire_part(&reply, sizeof(reply));
    (void)!stk_wire_send(socket, &part, 1, NULL, 0);
}

/* False: the pool is gone. */
static bool serve(int socket, const struct stk_layer *layer)
{
    struct stk_wire_order order;
    int fds[STK_WIRE_FDS_MAX];
    size_t fd_count = 0;
    size_t len = 0;
    if (!stk_wire_receive(socket, &order, sizeof(order), 0, &len, fds, &fd_count)) return false;
    if (len == 0) return false;
    if (fd_count == 0) return true; /* out of descriptors: the other end has seen it close */

    pid_t pid = fork_with(layer->keeper_flags);
    if (pid == 0) stk_keeper_main(fds[0], layer->contained);
    if (pid < 0) refuse(fds[0], errno);
    for (size_t i = 0; i < fd_count; i++) {
        stk_wire_close(&fds[i]);
    }
    return true;
}

static void reap(int signals)
{
    struct signalfd_siginfo info;
    (void)!read(signals, &info, sizeof(info));
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

/* Subreaper: the keepers hear of the pool's end themselves and clean up; this
 * waits for them, and ends what a keeper that was killed has left behind. */
static void outlive_keepers(int signals)
{
    struct pollfd fd = { .fd = signals, .events = POLLIN };
    for (int tries = 0; tries < 150; tries++) {
        reap(signals);
        if (waitpid(-1, NULL, WNOHANG) < 0) return;
        stk_keeper_kill_children(true);
        (void)poll(&fd, 1, 100);
    }
}

STK_NORETURN static void work(int socket, const struct stk_layer *layer)
{
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd fds[] = { { .fd = socket, .events = POLLIN },
                            { .fd = signals, .events = POLLIN } };
    for (;;) {
        if (poll(fds, STK_ARRAY_LEN(fds), -1) < 0) continue;
        if (fds[0].revents != 0 && !serve(socket, layer)) break;
        if (fds[1].revents == 0) continue;
        reap(signals);
        if (!layer->contained) stk_keeper_kill_children(true);
    }
    if (!layer->contained) outlive_keepers(signals);
    _exit(0);
}

pid_t stk_nursery_start(const struct stk_layer *layer, int socket)
{
    uid_t uid = geteuid(); /* in a new user namespace nobody is anybody yet */
    gid_t gid = getegid();
    pid_t pid = fork_with(layer->nursery_flags);
    if (pid != 0) return pid;

    reset_signals();
    socket = stk_keeper_fds(socket);
    struct stk_nursery_ready ready = { .error = set_up(layer, uid, gid) ? 0 : errno };
    struct iovec part = stk_wire_part(&ready, sizeof(ready));
    if (!stk_wire_send(socket, &part, 1, NULL, 0) || ready.error != 0) _exit(1);
    work(socket, layer);
}
