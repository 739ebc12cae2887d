/* SPDX-License-Identifier: MIT
 *
 *   STARTING --STARTED--> RUNNING --ENDED--> ended
 *      |  `--FAILED--> not started   |
 *      `-------------+---------------+--keeper gone--> lost
 *                    `--SIGKILL, 10 s--> stuck
 *
 * One thread waits for everything at once: the keeper's replies, the output,
 * the bell that a stop rings, and the next moment at which something is due.
 */
#include "exec/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/timetext.h"
#include "exec/capture.h"
#include "exec/environ.h"
#include "exec/ops.h"
#include "exec/verdict.h"
#include "exec/wire.h"

enum {
    READ_BYTES = 64 * 1024, /* what a pipe holds */
    POLL_MS_MAX = 60 * 60 * 1000,
    OUTPUTS = 3, /* stdout, stderr, fd 3 */
    ANSWER = 2,  /* the third of them */
    TRIES = 3    /* keepers that may leave before a job is given back */
};

static const stk_time_ns GIVE_UP_NS = 10 * STK_SECOND; /* after SIGKILL */
static const stk_time_ns DRAIN_NS = STK_SECOND;
static const stk_time_ns NOT_DUE = INT64_MAX;

struct stop {
    int64_t job_id;
    bool interrupt, cancel, now; /* what was asked; none: no stop */
};

struct command_runner {
    struct stk_runner base;
    struct stk_spawner *spawner;
    int keeper; /* socket; -1: none yet, or it has left */
    int bell;   /* eventfd, rung by a stop */
    struct stk_capture capture;
    struct stk_block block;
    char *read_buffer;

    pthread_mutex_t lock;
    struct stop stop; /* guarded by lock */
};

/* Why stoker ends a program. A person's wish comes before the others. */
enum cause { CAUSE_NONE, CAUSE_TIME, CAUSE_INTERRUPT, CAUSE_CANCEL };

enum phase {
    PHASE_STARTING,
    PHASE_RUNNING,
    PHASE_ENDED,
    PHASE_NOT_STARTED,
    PHASE_LOST,
    PHASE_STUCK
};

struct attempt {
    const struct stk_exec_job *job;
    enum phase phase;
    enum cause cause;
    bool unread; /* LOST: the keeper left without having read of the job */
    int child_fds[STK_WIRE_FDS];
    int outputs[OUTPUTS];
    stk_time_ns time_out_at, kill_at, give_up_at;
    struct stk_wire_reply reply;
};

static struct command_runner *downcast(struct stk_runner *runner)
{
    return (struct command_runner *)(void *)runner;
}

/* ---- stopping ---------------------------------------------------------- */

static void command_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how)
{
    struct command_runner *self = downcast(runner);
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop.job_id != job_id) self->stop = (struct stop){ .job_id = job_id };
    if (how == STK_STOP_CANCEL) self->stop.cancel = true;
    if (how != STK_STOP_CANCEL) self->stop.interrupt = true;
    if (how == STK_STOP_NOW) self->stop.now = true;
    (void)pthread_mutex_unlock(&self->lock);
    (void)eventfd_write(self->bell, 1);
}

/* What has been asked of this job; a stop for another one is out of date. */
static struct stop get_stop(struct command_runner *self, int64_t job_id)
{
    (void)pthread_mutex_lock(&self->lock);
    struct stop stop = self->stop.job_id == job_id ? self->stop : (struct stop){ .job_id = 0 };
    (void)pthread_mutex_unlock(&self->lock);
    return stop;
}

static void forget_stop(struct command_runner *self, int64_t job_id)
{
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop.job_id == job_id) self->stop = (struct stop){ .job_id = 0 };
    (void)pthread_mutex_unlock(&self->lock);
}

static enum cause cause_of(struct stop stop)
{
    if (stop.cancel) return CAUSE_CANCEL;
    return stop.interrupt ? CAUSE_INTERRUPT : CAUSE_NONE;
}

/* A keeper that is gone says so by itself. */
static void send_signal(struct command_runner *self, int signal)
{
    struct stk_wire_order order = { .kind = STK_WIRE_SIGNAL, .signal = signal };
    struct iovec part = stk_wire_part(&order, sizeof(order));
    (void)!stk_wire_send(self->keeper, &part, 1, NULL, 0);
}

static void end_softly(struct command_runner *self, struct attempt *attempt, stk_time_ns now)
{
    send_signal(self, SIGTERM);
    attempt->time_out_at = NOT_DUE;
    attempt->kill_at = now + attempt->job->task->kill_grace_ns;
}

static void end_hard(struct command_runner *self, struct attempt *attempt, stk_time_ns now)
{
    send_signal(self, SIGKILL);
    attempt->time_out_at = NOT_DUE;
    attempt->kill_at = NOT_DUE;
    attempt->give_up_at = now + GIVE_UP_NS;
}

static void apply_stop(struct command_runner *self, struct attempt *attempt, stk_time_ns now)
{
    struct stop stop = get_stop(self, attempt->job->id);
    enum cause cause = cause_of(stop);
    if (cause == CAUSE_NONE) return;

    bool first = attempt->cause == CAUSE_NONE;
    if (first || cause == CAUSE_CANCEL) attempt->cause = cause;
    if (stop.now && attempt->give_up_at == NOT_DUE) {
        end_hard(self, attempt, now);
    } else if (first) {
        end_softly(self, attempt, now);
    }
}

static void apply_time(struct command_runner *self, struct attempt *attempt, stk_time_ns now)
{
    if (now >= attempt->time_out_at) {
        attempt->cause = CAUSE_TIME;
        end_softly(self, attempt, now);
    }
    if (now >= attempt->kill_at) end_hard(self, attempt, now);
    if (now >= attempt->give_up_at) attempt->phase = PHASE_STUCK;
}

/* ---- output ------------------------------------------------------------ */

static void read_output(struct command_runner *self, struct attempt *attempt, size_t i)
{
    ssize_t len = read(attempt->outputs[i], self->read_buffer, READ_BYTES);
    if (len < 0 && errno == EINTR) return;
    if (len <= 0) {
        stk_wire_close(&attempt->outputs[i]);
    } else if (i == ANSWER) {
        stk_capture_add_answer(&self->capture, self->read_buffer, (size_t)len);
    } else {
        stk_capture_add(&self->capture, (enum stk_stream)i, self->read_buffer, (size_t)len);
    }
}

static void watch_outputs(const struct attempt *attempt, struct pollfd fds[OUTPUTS])
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        fds[i] = (struct pollfd){ .fd = attempt->outputs[i], .events = POLLIN };
    }
}

static void read_outputs(struct command_runner *self, struct attempt *attempt,
                         const struct pollfd fds[OUTPUTS])
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (fds[i].revents != 0) read_output(self, attempt, i);
    }
}

static bool has_output(const struct attempt *attempt)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (attempt->outputs[i] >= 0) return true;
    }
    return false;
}

/* Reads what the program has left in its pipes. Somebody outside may have been
 * given one of them and go on writing, so this neither waits for the end nor
 * goes on for ever. Only when the keeper was lost does it wait, for the kernel
 * to finish with the program. */
static void drain(struct command_runner *self, struct attempt *attempt)
{
    stk_time_ns until = stk_clock_mono() + DRAIN_NS;
    bool wait = attempt->phase == PHASE_LOST;
    while (has_output(attempt)) {
        stk_time_ns left = until - stk_clock_mono();
        struct pollfd fds[OUTPUTS];
        watch_outputs(attempt, fds);
        if (left <= 0 || poll(fds, OUTPUTS, wait ? (int)(left / STK_MS) + 1 : 0) == 0) return;
        read_outputs(self, attempt, fds);
    }
}

/* ---- starting ---------------------------------------------------------- */

static void attempt_release(struct attempt *attempt)
{
    for (size_t i = 0; i < STK_WIRE_FDS; i++) {
        stk_wire_close(&attempt->child_fds[i]);
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        stk_wire_close(&attempt->outputs[i]);
    }
}

/* The parameters come from a file in memory: it takes any size without anybody
 * to feed it, and a program that does not read it breaks nothing. */
static int open_input(const struct stk_exec_job *job)
{
    struct iovec parts[] = { stk_wire_part(job->params, job->params_len), stk_wire_part("\n", 1) };
    return stk_wire_memory_file("stoker-params", parts, STK_ARRAY_LEN(parts));
}

static bool open_fds(struct attempt *attempt)
{
    attempt->child_fds[0] = open_input(attempt->job);
    if (attempt->child_fds[0] < 0) return false;
    for (size_t i = 0; i < OUTPUTS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        attempt->outputs[i] = ends[0];
        attempt->child_fds[i + 1] = ends[1];
    }
    return true;
}

static struct stk_wire_run make_run(const struct command_runner *self, const struct stk_task *task)
{
    const struct stk_block *block = &self->block;
    return (struct stk_wire_run){
        .kind = STK_WIRE_RUN,
        .slots = (uint32_t)(block->slots.len / sizeof(uint64_t)),
        .argc = block->argc,
        .nice = task->nice,
        .block_bytes = block->slots.len + block->text.len,
        .limits = { [STK_LIMIT_MEMORY] = task->memory_bytes_max,
                    [STK_LIMIT_CPU] = task->cpu_s_max,
                    [STK_LIMIT_FILES] = task->files_max,
                    [STK_LIMIT_FILE] = task->file_bytes_max },
    };
}

/* False: errno. */
static bool send_run(struct command_runner *self, struct attempt *attempt)
{
    struct stk_wire_run run = make_run(self, attempt->job->task);
    struct iovec parts[] = {
        stk_wire_part(&run, sizeof(run)),
        stk_wire_part(self->block.slots.data, self->block.slots.len),
        stk_wire_part(self->block.text.data, self->block.text.len),
    };
    int fds[STK_WIRE_FDS_MAX];
    memcpy(fds, attempt->child_fds, sizeof(attempt->child_fds));
    if (run.block_bytes <= STK_WIRE_BLOCK_MAX) {
        return stk_wire_send(self->keeper, parts, 3, fds, STK_WIRE_FDS);
    }

    int file = stk_wire_memory_file("stoker-arguments", parts + 1, 2);
    if (file < 0) return false;
    fds[STK_WIRE_FDS] = file;
    bool sent = stk_wire_send(self->keeper, parts, 1, fds, STK_WIRE_FDS_MAX);
    int cause = errno;
    stk_wire_close(&file);
    errno = cause;
    return sent;
}

static bool has_left(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

/* ---- replies ----------------------------------------------------------- */

/* A keeper that left before it read of the job lost nothing, unless the nursery
 * has left a word on why it could not be made. */
static void lose_keeper(struct command_runner *self, struct attempt *attempt, bool unread)
{
    attempt->phase = PHASE_LOST;
    attempt->unread = unread;
    if (unread && recv(self->keeper, &attempt->reply, sizeof(attempt->reply), MSG_DONTWAIT) > 0 &&
        attempt->reply.kind == STK_WIRE_FAILED) {
        attempt->phase = PHASE_NOT_STARTED;
    }
    stk_wire_close(&self->keeper);
}

static void read_reply(struct command_runner *self, struct attempt *attempt)
{
    ssize_t len = recv(self->keeper, &attempt->reply, sizeof(attempt->reply), 0);
    if (len < 0 && errno == EINTR) return;
    if (len <= 0) {
        bool unread = len < 0 && errno == ECONNRESET && attempt->phase == PHASE_STARTING;
        lose_keeper(self, attempt, unread && attempt->cause == CAUSE_NONE);
        return;
    }

    switch (attempt->reply.kind) {
    case STK_WIRE_STARTED:
        attempt->phase = PHASE_RUNNING;
        (void)stk_fault(STK_FAULT_EXEC_STARTED);
        break;
    case STK_WIRE_ENDED: attempt->phase = PHASE_ENDED; break;
    default: attempt->phase = PHASE_NOT_STARTED; break;
    }
}

/* ---- one attempt ------------------------------------------------------- */

static int ms_until_due(const struct attempt *attempt, stk_time_ns now)
{
    stk_time_ns due = attempt->time_out_at;
    if (attempt->kill_at < due) due = attempt->kill_at;
    if (attempt->give_up_at < due) due = attempt->give_up_at;
    if (due == NOT_DUE) return -1;
    if (due <= now) return 0;
    stk_time_ns ms = (due - now + STK_MS - 1) / STK_MS;
    return ms < POLL_MS_MAX ? (int)ms : POLL_MS_MAX;
}

static void watch(struct command_runner *self, struct attempt *attempt)
{
    while (attempt->phase <= PHASE_RUNNING) {
        struct pollfd fds[OUTPUTS + 2];
        struct pollfd *keeper = &fds[OUTPUTS];
        struct pollfd *bell = &fds[OUTPUTS + 1];
        watch_outputs(attempt, fds);
        *keeper = (struct pollfd){ .fd = self->keeper, .events = POLLIN };
        *bell = (struct pollfd){ .fd = self->bell, .events = POLLIN };
        if (poll(fds, STK_ARRAY_LEN(fds), ms_until_due(attempt, stk_clock_mono())) < 0) continue;

        read_outputs(self, attempt, fds);
        if (keeper->revents != 0) read_reply(self, attempt);
        if (attempt->phase > PHASE_RUNNING) break;

        stk_time_ns now = stk_clock_mono();
        eventfd_t rings = 0;
        if (bell->revents != 0) (void)eventfd_read(self->bell, &rings);
        if (bell->revents != 0) apply_stop(self, attempt, now);
        apply_time(self, attempt, now);
    }
}

static void say_cause(struct stk_exec_result *result, const struct attempt *attempt)
{
    char limit[STK_DURATION_TEXT];
    switch (attempt->cause) {
    case CAUSE_TIME:
        stk_duration_text(attempt->job->task->time_limit_ns, limit);
        stk_verdict_say(result, STK_OUTCOME_TIMED_OUT, "over its time limit of %s", limit);
        return;
    case CAUSE_CANCEL: stk_verdict_say(result, STK_OUTCOME_CANCELLED, "cancelled"); return;
    case CAUSE_INTERRUPT:
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED, "interrupted: its pool stopped");
        return;
    case CAUSE_NONE:
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED,
                        "interrupted: the process that kept it was killed");
        return;
    }
}

static void judge_ended(const struct command_runner *self, const struct attempt *attempt,
                        struct stk_exec_result *result)
{
    const struct stk_wire_reply *ended = &attempt->reply;
    result->exit_status = stk_verdict_exit_status(ended->status);
    result->rss_bytes_max = ended->rss_bytes;
    result->cpu_ns = ended->cpu_ns;
    if (ended->left != 0) {
        stk_verdict_say(
            result, STK_OUTCOME_FAILED,
            "it ended, but something that it started is still there 10 s after SIGKILL");
    } else if (attempt->cause != CAUSE_NONE && ended->signalled != 0) {
        say_cause(result, attempt);
    } else {
        stk_verdict_ended(result, &self->capture, ended->status, stk_clock_now());
    }
}

static void judge(struct command_runner *self, const struct attempt *attempt,
                  struct stk_exec_result *result)
{
    switch (attempt->phase) {
    case PHASE_ENDED: judge_ended(self, attempt, result); break;
    case PHASE_NOT_STARTED:
        stk_verdict_not_started(result, attempt->job, self->block.program,
                                (enum stk_stage)attempt->reply.stage, attempt->reply.error);
        break;
    case PHASE_STUCK:
        stk_verdict_say(
            result, STK_OUTCOME_FAILED,
            "still there 10 s after SIGKILL: it hangs in the kernel, perhaps on a disk");
        break;
    case PHASE_STARTING:
    case PHASE_RUNNING:
    case PHASE_LOST: say_cause(result, attempt); break;
    }
}

/* What failed before a keeper could be told; `error` is an errno. */
static void refuse(const struct command_runner *self, const struct attempt *attempt,
                   enum stk_stage stage, int error, struct stk_exec_result *result)
{
    if (has_left(error)) {
        stk_verdict_say(
            result, STK_OUTCOME_INTERRUPTED,
            "interrupted: the process that starts programs has ended; restart the pool");
        return;
    }
    stk_verdict_not_started(result, attempt->job, self->block.program, stage, error);
}

/* False: the keeper had left before it read of the job; try another. */
static bool try_once(struct command_runner *self, struct attempt *attempt,
                     struct stk_exec_result *result)
{
    if (self->keeper < 0) self->keeper = stk_spawner_keeper(self->spawner);
    if (self->keeper < 0) {
        refuse(self, attempt, STK_STAGE_KEEPER, errno, result);
        return true;
    }
    if (!open_fds(attempt)) {
        refuse(self, attempt, STK_STAGE_FORK, errno, result);
        return true;
    }
    if (!send_run(self, attempt)) {
        if (!has_left(errno)) {
            refuse(self, attempt, STK_STAGE_BLOCK, errno, result);
            return true;
        }
        lose_keeper(self, attempt, true);
    }
    for (size_t i = 0; i < STK_WIRE_FDS; i++) {
        stk_wire_close(&attempt->child_fds[i]);
    }

    watch(self, attempt);
    if (attempt->phase == PHASE_LOST && attempt->unread) return false;
    if (attempt->phase == PHASE_STUCK) stk_wire_hang_up(&self->keeper);
    (void)stk_fault(STK_FAULT_EXEC_ENDED);
    drain(self, attempt);
    stk_capture_end(&self->capture);
    judge(self, attempt, result);
    return true;
}

static void run_in_keeper(struct command_runner *self, const struct stk_exec_job *job,
                          struct stk_exec_result *result)
{
    for (int tries = 0; tries < TRIES; tries++) {
        STK_CLEANUP(attempt_release)
        struct attempt attempt = {
            .job = job,
            .child_fds = { -1, -1, -1, -1 },
            .outputs = { -1, -1, -1 },
            .time_out_at = NOT_DUE,
            .kill_at = NOT_DUE,
            .give_up_at = NOT_DUE,
        };
        stk_time_ns limit = job->task->time_limit_ns;
        if (limit > 0) attempt.time_out_at = stk_clock_mono() + limit;
        if (try_once(self, &attempt, result)) return;
    }
    stk_verdict_say(result, STK_OUTCOME_INTERRUPTED,
                    "interrupted: no process to keep it stays alive");
}

static void run_job(struct command_runner *self, const struct stk_exec_job *job,
                    struct stk_exec_result *result)
{
    struct attempt never = { .job = job, .cause = cause_of(get_stop(self, job->id)) };
    struct stk_error err = { .rc = STK_OK };
    if (never.cause != CAUSE_NONE) {
        say_cause(result, &never);
    } else if (stk_block_fill(&self->block, job, &err) != STK_OK) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL, "%s", err.text);
    } else {
        run_in_keeper(self, job, result);
    }
}

static void command_run(struct stk_runner *runner, const struct stk_exec_job *job,
                        stk_exec_line_fn line, void *context, struct stk_exec_result *result)
{
    struct command_runner *self = downcast(runner);
    stk_capture_begin(&self->capture, job->task->result_bytes_max, line, context);
    run_job(self, job, result);
    stk_capture_add_tail(&self->capture, &result->tail);
    forget_stop(self, job->id);
}

/* ---- a runner ---------------------------------------------------------- */

static void command_free(struct stk_runner *runner)
{
    struct command_runner *self = downcast(runner);
    stk_wire_hang_up(&self->keeper);
    stk_wire_close(&self->bell);
    stk_capture_release(&self->capture);
    stk_block_release(&self->block);
    (void)pthread_mutex_destroy(&self->lock);
    free(self->read_buffer);
    free(self);
}

static const struct stk_executor_ops command_ops = {
    .name = "command",
    .run = command_run,
    .stop = command_stop,
    .free = command_free,
};

struct stk_runner *stk_command_new(struct stk_spawner *spawner)
{
    struct command_runner *self = stk_alloc(sizeof(*self));
    self->base.ops_ = &command_ops;
    self->spawner = spawner;
    self->keeper = -1;
    self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(self->bell >= 0); /* a pool without descriptors for its workers cannot work */
    self->read_buffer = stk_alloc(READ_BYTES);
    stk_capture_init(&self->capture);
    (void)pthread_mutex_init(&self->lock, NULL);
    return &self->base;
}
