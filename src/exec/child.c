/* SPDX-License-Identifier: MIT */
#include "exec/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"

enum {
    READ_BYTES = 64 * 1024, /* what a pipe holds */
    POLL_MS_MAX = 60 * 60 * 1000,
    OUTPUTS = STK_CHILD_OUTPUTS,
    TRIES = 3 /* keepers that may leave before it is given up */
};

static const stk_time_ns GIVE_UP_NS = 10 * STK_SECOND; /* after SIGKILL */
static const stk_time_ns DRAIN_NS = STK_SECOND;
static const stk_time_ns NOT_DUE = INT64_MAX;

struct run {
    struct stk_child *child;
    const struct stk_child_order *order;
    struct stk_child_end end;
    bool ending; /* stoker wants it to end */
    bool unread; /* LOST: the keeper left without having read of it */
    int fds[STK_WIRE_PROGRAM_FDS_MAX];
    int outputs[OUTPUTS];
    int other_bell;
    stk_time_ns time_out_at, kill_at, give_up_at;
};

/* ---- ending it --------------------------------------------------------- */

/* A keeper that is gone says so by itself. */
static void send_signal(struct run *run, int signal)
{
    struct stk_wire_order order = { .kind = STK_WIRE_SIGNAL, .signal = signal };
    struct iovec part = stk_wire_part(&order, sizeof(order));
    (void)!stk_wire_send(run->child->keeper, &part, 1, NULL, 0);
}

static void end_softly(struct run *run, stk_time_ns now)
{
    run->ending = true;
    send_signal(run, SIGTERM);
    run->time_out_at = NOT_DUE;
    run->kill_at = now + run->order->grace_ns;
}

static void end_hard(struct run *run, stk_time_ns now)
{
    run->ending = true;
    send_signal(run, SIGKILL);
    run->time_out_at = NOT_DUE;
    run->kill_at = NOT_DUE;
    run->give_up_at = now + GIVE_UP_NS;
}

static void apply_wish(struct run *run, enum stk_child_wish wish, stk_time_ns now)
{
    if (wish == STK_CHILD_KILL && run->give_up_at == NOT_DUE) end_hard(run, now);
    if (wish == STK_CHILD_END && !run->ending) end_softly(run, now);
}

static void apply_time(struct run *run, stk_time_ns now)
{
    if (now >= run->time_out_at) {
        run->end.timed_out = true;
        end_softly(run, now);
    }
    if (now >= run->kill_at) end_hard(run, now);
    if (now >= run->give_up_at) run->end.phase = STK_CHILD_STUCK;
}

/* ---- output ------------------------------------------------------------ */

static void read_output(struct run *run, size_t i)
{
    char *buffer = run->child->read_buffer;
    ssize_t len = read(run->outputs[i], buffer, READ_BYTES);
    if (len < 0 && errno == EINTR) return;
    if (len <= 0) {
        stk_wire_close(&run->outputs[i]);
    } else {
        run->order->output(run->order->context, (enum stk_child_output)i, buffer, (size_t)len);
    }
}

static void watch_outputs(const struct run *run, struct pollfd fds[OUTPUTS])
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        fds[i] = (struct pollfd){ .fd = run->outputs[i], .events = POLLIN };
    }
}

static void read_outputs(struct run *run, const struct pollfd fds[OUTPUTS])
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (fds[i].revents != 0) read_output(run, i);
    }
}

static bool has_output(const struct run *run)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (run->outputs[i] >= 0) return true;
    }
    return false;
}

/* Reads what the program has left in its pipes. Somebody outside may have been
 * given one of them and go on writing, so this neither waits for the end nor
 * goes on for ever. Only when the keeper was lost does it wait, for the kernel
 * to finish with the program. */
static void drain(struct run *run)
{
    stk_time_ns until = stk_clock_mono() + DRAIN_NS;
    bool wait = run->end.phase == STK_CHILD_LOST;
    while (has_output(run)) {
        stk_time_ns left = until - stk_clock_mono();
        struct pollfd fds[OUTPUTS];
        watch_outputs(run, fds);
        if (left <= 0 || poll(fds, OUTPUTS, wait ? (int)(left / STK_MS) + 1 : 0) == 0) return;
        read_outputs(run, fds);
    }
}

/* ---- starting ---------------------------------------------------------- */

static void run_release(struct run *run)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(run->fds); i++) {
        stk_wire_close(&run->fds[i]);
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        stk_wire_close(&run->outputs[i]);
    }
}

/* Input comes from a file in memory: it takes any size without anybody to feed
 * it, and a program that does not read it breaks nothing. */
static bool open_fds(struct run *run)
{
    const struct stk_child_order *order = run->order;
    run->fds[0] = stk_wire_memory_file("stoker-input", order->input, STK_ARRAY_LEN(order->input));
    if (run->fds[0] < 0) return false;
    for (size_t i = 0; i < OUTPUTS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        run->outputs[i] = ends[0];
        run->fds[i + 1] = ends[1];
    }
    if (order->session == NULL) return true;

    struct iovec secret =
        stk_wire_part(stk_secret_bytes(order->session), stk_secret_len(order->session));
    run->fds[STK_WIRE_SESSION_FD] = stk_wire_sealed_file("stoker-session", &secret, 1);
    return run->fds[STK_WIRE_SESSION_FD] >= 0;
}

static struct stk_wire_run make_message(const struct stk_child_order *order)
{
    const struct stk_block *block = order->block;
    struct stk_wire_run message = {
        .kind = STK_WIRE_RUN,
        .slots = (uint32_t)(block->slots.len / sizeof(uint64_t)),
        .argc = block->argc,
        .nice = order->nice,
        .fds = order->session != NULL ? STK_WIRE_PROGRAM_FDS_MAX : STK_WIRE_FDS,
        .block_bytes = block->slots.len + block->text.len,
    };
    if (order->limits != NULL) memcpy(message.limits, order->limits, sizeof(message.limits));
    return message;
}

/* False: errno. */
static bool send_order(struct run *run)
{
    const struct stk_block *block = run->order->block;
    struct stk_wire_run message = make_message(run->order);
    struct iovec parts[] = {
        stk_wire_part(&message, sizeof(message)),
        stk_wire_part(block->slots.data, block->slots.len),
        stk_wire_part(block->text.data, block->text.len),
    };
    int fds[STK_WIRE_FDS_MAX];
    memcpy(fds, run->fds, sizeof(run->fds));
    if (message.block_bytes <= STK_WIRE_BLOCK_MAX) {
        return stk_wire_send(run->child->keeper, parts, 3, fds, message.fds);
    }

    int file = stk_wire_memory_file("stoker-arguments", parts + 1, 2);
    if (file < 0) return false;
    fds[message.fds] = file;
    bool sent = stk_wire_send(run->child->keeper, parts, 1, fds, message.fds + 1);
    int cause = errno;
    stk_wire_close(&file);
    errno = cause;
    return sent;
}

static bool has_left(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

/* What failed before a keeper could be told; `error` is an errno. */
static void refuse(struct run *run, enum stk_stage stage, int error)
{
    run->end.phase = has_left(error) ? STK_CHILD_NO_NURSERY : STK_CHILD_NOT_STARTED;
    run->end.stage = stage;
    run->end.error = error;
}

/* ---- replies ----------------------------------------------------------- */

static void note_reply(struct run *run, const struct stk_wire_reply *reply)
{
    switch (reply->kind) {
    case STK_WIRE_STARTED:
        run->end.phase = STK_CHILD_RUNNING;
        (void)stk_fault(STK_FAULT_EXEC_STARTED);
        break;
    case STK_WIRE_ENDED:
        run->end.phase = STK_CHILD_ENDED;
        run->end.ended = *reply;
        break;
    default:
        run->end.phase = STK_CHILD_NOT_STARTED;
        run->end.stage = (enum stk_stage)reply->stage;
        run->end.error = reply->error;
        break;
    }
}

/* A keeper that left before it read of the program lost nothing, unless the
 * nursery has left a word on why it could not be made. */
static void lose_keeper(struct run *run, bool unread)
{
    struct stk_wire_reply reply;
    run->end.phase = STK_CHILD_LOST;
    run->unread = unread;
    if (unread && recv(run->child->keeper, &reply, sizeof(reply), MSG_DONTWAIT) > 0 &&
        reply.kind == STK_WIRE_FAILED) {
        note_reply(run, &reply);
    }
    stk_wire_close(&run->child->keeper);
}

static void read_reply(struct run *run)
{
    struct stk_wire_reply reply;
    ssize_t len = recv(run->child->keeper, &reply, sizeof(reply), 0);
    if (len < 0 && errno == EINTR) return;
    if (len > 0) {
        note_reply(run, &reply);
        return;
    }
    bool unread = len < 0 && errno == ECONNRESET && run->end.phase == STK_CHILD_STARTING;
    lose_keeper(run, unread && !run->ending);
}

/* ---- one run ----------------------------------------------------------- */

static int ms_until_due(const struct run *run, stk_time_ns now)
{
    stk_time_ns due = run->time_out_at;
    if (run->kill_at < due) due = run->kill_at;
    if (run->give_up_at < due) due = run->give_up_at;
    if (due == NOT_DUE) return -1;
    if (due <= now) return 0;
    stk_time_ns ms = (due - now + STK_MS - 1) / STK_MS;
    return ms < POLL_MS_MAX ? (int)ms : POLL_MS_MAX;
}

/* The other bell goes on ringing, so it is listened to no longer. */
static void hear_bells(struct run *run, bool ours, bool other, stk_time_ns now)
{
    eventfd_t rings = 0;
    if (ours) (void)eventfd_read(run->child->bell, &rings);
    if (ours) apply_wish(run, run->order->wish(run->order->context), now);
    if (!other) return;
    run->other_bell = -1;
    if (!run->ending) run->end.rang = true;
    apply_wish(run, STK_CHILD_END, now);
}

static void watch(struct run *run)
{
    while (run->end.phase <= STK_CHILD_RUNNING) {
        struct pollfd fds[OUTPUTS + 3];
        struct pollfd *keeper = &fds[OUTPUTS];
        struct pollfd *bell = &fds[OUTPUTS + 1];
        struct pollfd *other = &fds[OUTPUTS + 2];
        watch_outputs(run, fds);
        *keeper = (struct pollfd){ .fd = run->child->keeper, .events = POLLIN };
        *bell = (struct pollfd){ .fd = run->child->bell, .events = POLLIN };
        *other = (struct pollfd){ .fd = run->other_bell, .events = POLLIN };
        if (poll(fds, STK_ARRAY_LEN(fds), ms_until_due(run, stk_clock_mono())) < 0) continue;

        read_outputs(run, fds);
        if (keeper->revents != 0) read_reply(run);
        if (run->end.phase > STK_CHILD_RUNNING) break;

        stk_time_ns now = stk_clock_mono();
        hear_bells(run, bell->revents != 0, other->revents != 0, now);
        apply_time(run, now);
    }
}

/* False: the keeper had left before it read of the program; try another. */
static bool try_once(struct run *run)
{
    struct stk_child *child = run->child;
    if (child->keeper < 0) child->keeper = stk_spawner_keeper(child->spawner);
    if (child->keeper < 0) {
        refuse(run, STK_STAGE_KEEPER, errno);
        return true;
    }
    if (!open_fds(run)) {
        refuse(run, STK_STAGE_FORK, errno);
        return true;
    }
    if (!send_order(run)) {
        if (!has_left(errno)) {
            refuse(run, STK_STAGE_BLOCK, errno);
            return true;
        }
        lose_keeper(run, true);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(run->fds); i++) {
        stk_wire_close(&run->fds[i]);
    }

    watch(run);
    if (run->end.phase == STK_CHILD_LOST && run->unread) return false;
    if (run->end.phase == STK_CHILD_STUCK) stk_wire_hang_up(&child->keeper);
    (void)stk_fault(STK_FAULT_EXEC_ENDED);
    drain(run);
    return true;
}

void stk_child_run(struct stk_child *child, const struct stk_child_order *order,
                   struct stk_child_end *ret)
{
    for (int tries = 0; tries < TRIES; tries++) {
        STK_CLEANUP(run_release)
        struct run run = {
            .child = child,
            .order = order,
            .fds = { -1, -1, -1, -1, -1 },
            .outputs = { -1, -1, -1 },
            .other_bell = order->other_bell,
            .time_out_at = NOT_DUE,
            .kill_at = NOT_DUE,
            .give_up_at = NOT_DUE,
        };
        if (order->time_limit_ns > 0) run.time_out_at = stk_clock_mono() + order->time_limit_ns;
        if (try_once(&run)) {
            *ret = run.end;
            return;
        }
    }
    *ret = (struct stk_child_end){ .phase = STK_CHILD_UNKEPT };
}

/* ---- life -------------------------------------------------------------- */

void stk_child_init(struct stk_child *child, struct stk_spawner *spawner)
{
    *child = (struct stk_child){ .spawner = spawner, .keeper = -1 };
    child->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(child->bell >= 0); /* a pool without descriptors for its workers cannot work */
    child->read_buffer = stk_alloc(READ_BYTES);
}

void stk_child_release(struct stk_child *child)
{
    stk_wire_hang_up(&child->keeper);
    stk_wire_close(&child->bell);
    free(child->read_buffer);
}

void stk_child_ring(struct stk_child *child)
{
    (void)eventfd_write(child->bell, 1);
}
