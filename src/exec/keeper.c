/* SPDX-License-Identifier: MIT
 *
 *   idle --RUN--> running --program ended--> sweeping --nobody left--> idle
 *     |              |                           |
 *     `--------------+------ worker gone --------+----> kill all, exit
 *
 * Contained, the keeper is pid 1 of a namespace: kill(-1) reaches all that the
 * program started and nothing else, and there is no fork that gets away from it.
 * Otherwise it is a subreaper: orphans become its children, which it kills until
 * it has none. A program that forks faster than that may outrun it.
 */
#include "exec/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "exec/launch.h"
#include "exec/wire.h"

enum {
    SOCKET_FD = 3, /* 0 to 2 are /dev/null: none of a program's fds is a target of another */
    PROGRAM_FDS = 4,
    SWEEP_MS_MAX = 10 * 1000, /* for what SIGKILL does not end at once */
    OOM_SCORE = 500           /* a job dies for want of memory, not the pool */
};

struct keeper {
    int signals; /* SIGCHLD, as a descriptor */
    bool contained;
    bool signalled; /* the running program has been sent a signal */
};

/* What a worker has sent: the header of a RUN is followed by its block. */
union message {
    struct stk_wire_run run;
    struct stk_wire_order order;
    _Alignas(uint64_t) char bytes[sizeof(struct stk_wire_run) + STK_WIRE_BLOCK_MAX];
};

/* ---- children ---------------------------------------------------------- */

/* Parent and session from /proc/PID/stat: "PID (NAME) STATE PPID PGRP SESSION". */
static bool read_relation(const char *pid, pid_t *ret_parent, pid_t *ret_session)
{
    char path[64];
    char text[256];
    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (len <= 0) return false;

    text[len] = '\0';
    const char *after_name = strrchr(text, ')');
    if (after_name == NULL || strlen(after_name) < 4) return false;
    char *end = NULL;
    *ret_parent = (pid_t)strtol(after_name + 4, &end, 10);
    (void)strtol(end, &end, 10);
    *ret_session = (pid_t)strtol(end, &end, 10);
    return true;
}

void stk_keeper_kill_children(bool strange)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) return;
    for (const struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
        int64_t pid = 0;
        pid_t parent = 0;
        pid_t session = 0;
        if (!stk_parse_i64(entry->d_name, &pid)) continue;
        if (!read_relation(entry->d_name, &parent, &session) || parent != getpid()) continue;
        if (!strange || session != getsid(0)) (void)kill((pid_t)pid, SIGKILL);
    }
    (void)closedir(proc);
}

static void kill_all(const struct keeper *self)
{
    if (self->contained) {
        (void)kill(-1, SIGKILL);
    } else {
        stk_keeper_kill_children(false);
    }
}

/* Waits until a child may have ended, or `ms` are over. */
static void await_child(const struct keeper *self, int ms)
{
    struct pollfd fd = { .fd = self->signals, .events = POLLIN };
    struct signalfd_siginfo info;
    if (poll(&fd, 1, ms) > 0) (void)!read(self->signals, &info, sizeof(info));
}

/* Ends and reaps everything that is left. With nothing left, which is the
 * rule, that is one call. False: something resists SIGKILL. */
static bool sweep(const struct keeper *self)
{
    stk_time_ns give_up = 0;
    for (;;) {
        pid_t pid = wait4(-1, NULL, WNOHANG, NULL);
        if (pid > 0) continue;
        if (pid < 0) return true;

        stk_time_ns now = stk_clock_mono();
        if (give_up == 0) give_up = now + SWEEP_MS_MAX * STK_MS;
        if (now >= give_up) return false;
        kill_all(self);
        await_child(self, 100);
    }
}

STK_NORETURN static void leave(const struct keeper *self)
{
    (void)sweep(self);
    _exit(0);
}

/* ---- one program ------------------------------------------------------- */

/* The worker may be gone: its end of the socket says so by itself. */
static void reply(struct stk_wire_reply reply)
{
    struct iovec part = stk_wire_part(&reply, sizeof(reply));
    (void)!stk_wire_send(SOCKET_FD, &part, 1, NULL, 0);
}

static struct stk_wire_reply failed(enum stk_stage stage, int error)
{
    return (struct stk_wire_reply){ .kind = STK_WIRE_FAILED, .stage = stage, .error = error };
}

static void send_signal(struct keeper *self, pid_t pid, int signal)
{
    self->signalled = true;
    if (signal == SIGKILL) kill_all(self);
    (void)kill(-pid, signal); /* not reaped yet, so still its group */
}

/* While a program runs: signals to pass on, or the worker's end. */
static void serve_order(struct keeper *self, pid_t pid)
{
    struct stk_wire_order order;
    int fds[STK_WIRE_FDS_MAX];
    size_t fd_count = 0;
    size_t len = 0;
    if (!stk_wire_receive(SOCKET_FD, &order, sizeof(order), 0, &len, fds, &fd_count) || len == 0) {
        leave(self);
    }
    if (order.kind == STK_WIRE_SIGNAL) send_signal(self, pid, order.signal);
}

static int64_t micros(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

/* Reaps whatever has ended; true when the program is among it. */
static bool reap(pid_t program, struct stk_wire_reply *ended)
{
    for (;;) {
        int status = 0;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid <= 0) return false;
        if (pid != program) continue;

        ended->status = status;
        ended->rss_bytes = (int64_t)usage.ru_maxrss * 1024;
        ended->cpu_ns = (micros(usage.ru_utime) + micros(usage.ru_stime)) * STK_US;
        return true;
    }
}

static void watch(struct keeper *self, pid_t pid)
{
    struct stk_wire_reply ended = { .kind = STK_WIRE_ENDED };
    struct pollfd fds[] = { { .fd = SOCKET_FD, .events = POLLIN },
                            { .fd = self->signals, .events = POLLIN } };
    for (;;) {
        if (poll(fds, STK_ARRAY_LEN(fds), -1) < 0) continue;
        if (fds[0].revents != 0) serve_order(self, pid);
        if (fds[1].revents == 0) continue;
        await_child(self, 0);
        if (reap(pid, &ended)) break;
    }

    ended.signalled = self->signalled;
    ended.left = !sweep(self);
    reply(ended);
    if (ended.left) _exit(0);
}

/* The table of offsets becomes one of pointers, in place. */
static char **resolve(char *block, uint32_t slots)
{
    _Static_assert(sizeof(char *) == sizeof(uint64_t), "a slot holds a pointer");
    uint64_t *offsets = (uint64_t *)(void *)block;
    for (uint32_t i = 0; i < slots; i++) {
        if (offsets[i] != 0) offsets[i] += (uint64_t)(uintptr_t)block;
    }
    return (char **)(void *)block;
}

static const char *find_path(char *const *env)
{
    for (; *env != NULL; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) return *env + 5;
    }
    return NULL;
}

static pid_t start(struct keeper *self, const struct stk_wire_run *run, char *block, const int *fds,
                   struct stk_wire_reply *ret)
{
    char **slots = resolve(block, run->slots);
    struct stk_launch launch = { .dir = slots[0],
                                 .argv = slots + 1,
                                 .env = slots + 1 + run->argc + 1,
                                 .fd_count = run->fds,
                                 .nice = run->nice,
                                 .limits = run->limits,
                                 .die_with_keeper = !self->contained };
    launch.path = find_path(launch.env);
    memcpy(launch.fds, fds, sizeof(*fds) * run->fds);

    self->signalled = false;
    pid_t pid = stk_launch(&launch);
    *ret = pid < 0 ? failed(launch.stage, launch.error)
                   : (struct stk_wire_reply){ .kind = STK_WIRE_STARTED };
    return pid;
}

static pid_t start_from_file(struct keeper *self, const struct stk_wire_run *run, const int *fds,
                             struct stk_wire_reply *ret)
{
    size_t size = (size_t)run->block_bytes;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[run->fds], 0);
    if (block == MAP_FAILED) {
        *ret = failed(STK_STAGE_BLOCK, errno);
        return -1;
    }
    pid_t pid = start(self, run, block, fds, ret);
    (void)munmap(block, size);
    return pid;
}

static void run(struct keeper *self, union message *message, int *fds, size_t fd_count)
{
    struct stk_wire_reply answer = failed(STK_STAGE_BLOCK, EMFILE); /* no number was free for one */
    pid_t pid = -1;
    bool has_file = message->run.block_bytes > STK_WIRE_BLOCK_MAX;
    bool is_whole = fd_count == message->run.fds + (has_file ? 1U : 0U);
    if (is_whole && has_file) {
        pid = start_from_file(self, &message->run, fds, &answer);
    } else if (is_whole) {
        pid = start(self, &message->run, message->bytes + sizeof(message->run), fds, &answer);
    }
    for (size_t i = 0; i < fd_count; i++) {
        stk_wire_close(&fds[i]);
    }
    reply(answer);
    if (pid > 0) watch(self, pid);
}

/* ---- life of a keeper -------------------------------------------------- */

int stk_keeper_fds(int socket)
{
    int high = fcntl(socket, F_DUPFD, PROGRAM_FDS); /* out of the way */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < SOCKET_FD && null >= 0; fd++) {
        (void)dup2(null, fd);
    }
    (void)dup3(high, SOCKET_FD, O_CLOEXEC);
    if (close_range(SOCKET_FD + 1, ~0U, 0) == 0) return SOCKET_FD;

    for (int fd = SOCKET_FD + 1; fd < (int)sysconf(_SC_OPEN_MAX); fd++) {
        (void)close(fd);
    }
    return SOCKET_FD;
}

/* In a chroot "/" is no mount, but /proc is. Mounts of the host still come in. */
bool stk_keeper_hide_mounts(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 ||
           mount(NULL, "/proc", NULL, MS_SLAVE, NULL) == 0;
}

/* A /proc that shows the namespace, so that it agrees with getpid. Where it is
 * refused the host's /proc has to do. */
static void mount_proc(void)
{
    if (!stk_keeper_hide_mounts()) return;
    (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void prefer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)dprintf(fd, "%d", OOM_SCORE);
    (void)close(fd);
}

static void set_up(struct keeper *self)
{
    (void)prctl(PR_SET_NAME, "stoker-keeper");
    if (self->contained) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        mount_proc();
    } else {
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    }
    /* What could become somebody else could not be killed. */
    if (geteuid() != 0) (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prefer_for_oom();
    (void)umask(077);

    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    self->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self->signals < 0) _exit(1);
}

/* Waits for the next order; false: there will be none. A RUN that arrives while
 * an idle keeper leaves is not lost: what is closed unread makes its sender get
 * ECONNRESET, what was read a plain end, so a worker knows when to start anew. */
static bool next(union message *message, int *fds, size_t *fd_count)
{
    struct pollfd fd = { .fd = SOCKET_FD, .events = POLLIN };
    if (poll(&fd, 1, STK_KEEPER_IDLE_MS) <= 0) return false;

    size_t len = 0;
    return stk_wire_receive(SOCKET_FD, message, sizeof(*message), 0, &len, fds, fd_count) &&
           len > 0;
}

void stk_keeper_main(int socket, bool contained)
{
    static union message message;
    struct keeper self = { .contained = contained };
    (void)stk_keeper_fds(socket);
    set_up(&self);

    int fds[STK_WIRE_FDS_MAX];
    size_t fd_count = 0;
    while (next(&message, fds, &fd_count)) {
        if (message.order.kind == STK_WIRE_RUN) run(&self, &message, fds, fd_count);
    }
    leave(&self);
}
