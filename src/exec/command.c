/* SPDX-License-Identifier: MIT */
#include "exec/command.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timetext.h"
#include "exec/capture.h"
#include "exec/child.h"
#include "exec/ops.h"
#include "exec/verdict.h"

struct stop {
    int64_t job_id;
    bool interrupt, cancel, now; /* what was asked; none: no stop */
};

struct command_runner {
    struct stk_runner base;
    struct stk_child child;
    struct stk_capture capture;
    struct stk_block block;

    pthread_mutex_t lock;
    struct stop stop; /* guarded by lock */
};

struct attempt {
    struct command_runner *self;
    const struct stk_exec_job *job;
    struct stk_child_end end;
    struct stop stop; /* what is known of it by now */
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
    stk_child_ring(&self->child);
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

static enum stk_child_wish wish(void *context)
{
    struct attempt *attempt = context;
    attempt->stop = get_stop(attempt->self, attempt->job->id);
    if (attempt->stop.now) return STK_CHILD_KILL;
    return attempt->stop.cancel || attempt->stop.interrupt ? STK_CHILD_END : STK_CHILD_GO_ON;
}

/* ---- one attempt ------------------------------------------------------- */

static void keep_output(void *context, enum stk_child_output from, char *bytes, size_t len)
{
    struct attempt *attempt = context;
    struct stk_capture *capture = &attempt->self->capture;
    if (from == STK_CHILD_ANSWER) {
        stk_capture_add_answer(capture, bytes, len);
    } else {
        enum stk_stream stream = from == STK_CHILD_STDOUT ? STK_STREAM_STDOUT : STK_STREAM_STDERR;
        stk_capture_add(capture, stream, bytes, len);
    }
}

/* A person's wish comes before the others. */
static void say_cause(struct stk_exec_result *result, const struct attempt *attempt)
{
    char limit[STK_DURATION_TEXT];
    if (attempt->stop.cancel) {
        stk_verdict_say(result, STK_OUTCOME_CANCELLED, "cancelled");
    } else if (attempt->end.timed_out) {
        stk_duration_text(attempt->job->task->time_limit_ns, limit);
        stk_verdict_say(result, STK_OUTCOME_TIMED_OUT, "over its time limit of %s", limit);
    } else if (attempt->stop.interrupt) {
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED, "interrupted: its pool stopped");
    } else {
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED,
                        "interrupted: the process that kept it was killed");
    }
}

static void judge_ended(const struct attempt *attempt, struct stk_exec_result *result)
{
    const struct stk_wire_reply *ended = &attempt->end.ended;
    bool was_asked = attempt->stop.cancel || attempt->stop.interrupt || attempt->end.timed_out;
    result->exit_status = stk_verdict_exit_status(ended->status);
    result->rss_bytes_max = ended->rss_bytes;
    result->cpu_ns = ended->cpu_ns;
    if (ended->left != 0) {
        stk_verdict_say(
            result, STK_OUTCOME_FAILED,
            "it ended, but something that it started is still there 10 s after SIGKILL");
    } else if (was_asked && ended->signalled != 0) {
        say_cause(result, attempt);
    } else {
        stk_verdict_ended(result, &attempt->self->capture, ended->status, stk_clock_now());
    }
}

static void judge(const struct attempt *attempt, struct stk_exec_result *result)
{
    const struct stk_child_end *end = &attempt->end;
    switch (end->phase) {
    case STK_CHILD_ENDED: judge_ended(attempt, result); return;
    case STK_CHILD_NOT_STARTED:
        stk_verdict_not_started(result, attempt->self->block.program, attempt->job->task->dir,
                                end->stage, end->error);
        return;
    case STK_CHILD_STUCK:
        stk_verdict_say(
            result, STK_OUTCOME_FAILED,
            "still there 10 s after SIGKILL: it hangs in the kernel, perhaps on a disk");
        return;
    case STK_CHILD_NO_NURSERY:
        stk_verdict_say(
            result, STK_OUTCOME_INTERRUPTED,
            "interrupted: the process that starts programs has ended; restart the pool");
        return;
    case STK_CHILD_UNKEPT:
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED,
                        "interrupted: no process to keep it stays alive");
        return;
    case STK_CHILD_STARTING:
    case STK_CHILD_RUNNING:
    case STK_CHILD_LOST: say_cause(result, attempt); return;
    }
}

static void run_program(struct attempt *attempt, struct stk_exec_result *result)
{
    struct command_runner *self = attempt->self;
    const struct stk_exec_job *job = attempt->job;
    const struct stk_task *task = job->task;
    const uint64_t limits[STK_LIMIT_COUNT_] = { [STK_LIMIT_MEMORY] = task->memory_bytes_max,
                                                [STK_LIMIT_CPU] = task->cpu_s_max,
                                                [STK_LIMIT_FILES] = task->files_max,
                                                [STK_LIMIT_FILE] = task->file_bytes_max };
    const struct stk_child_order order = {
        .block = &self->block,
        .nice = task->nice,
        .limits = limits,
        .input = { stk_wire_part(job->params, job->params_len), stk_wire_part("\n", 1) },
        .session = job->credential,
        .time_limit_ns = task->time_limit_ns,
        .grace_ns = task->kill_grace_ns,
        .output = keep_output,
        .wish = wish,
        .context = attempt,
        .other_bell = -1,
    };
    stk_child_run(&self->child, &order, &attempt->end);
    stk_capture_end(&self->capture);
    judge(attempt, result);
}

static void run_job(struct command_runner *self, const struct stk_exec_job *job,
                    struct stk_exec_result *result)
{
    struct attempt attempt = { .self = self, .job = job };
    struct stk_error err = { .rc = STK_OK };
    if (wish(&attempt) != STK_CHILD_GO_ON) {
        say_cause(result, &attempt);
    } else if (stk_block_fill(&self->block, job, &err) != STK_OK) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL, "%s", err.text);
    } else {
        run_program(&attempt, result);
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
    stk_child_release(&self->child);
    stk_capture_release(&self->capture);
    stk_block_release(&self->block);
    (void)pthread_mutex_destroy(&self->lock);
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
    stk_child_init(&self->child, spawner);
    stk_capture_init(&self->capture);
    (void)pthread_mutex_init(&self->lock, NULL);
    return &self->base;
}
