/* SPDX-License-Identifier: MIT */
#include "exec/http.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "exec/http_phase.h"
#include "exec/ops.h"
#include "exec/verdict.h"

struct stop {
    int64_t job_id;
    bool interrupt, cancel; /* what was asked; none: no stop */
};

struct http_runner {
    struct stk_runner base;
    struct stk_http *http;
    struct stk_http_reply reply;

    pthread_mutex_t lock;
    /* guarded by lock */
    struct stop stop;
    int64_t runs; /* the job under way; 0: none */
    bool may_cut; /* a cancel may end its request: it only asks something */
};

static struct http_runner *downcast(struct stk_runner *runner)
{
    return (struct http_runner *)(void *)runner;
}

/* --- stopping ------------------------------------------------------------- */

static void http_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how)
{
    struct http_runner *self = downcast(runner);
    bool is_cancel = how == STK_STOP_CANCEL;
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop.job_id != job_id) self->stop = (struct stop){ .job_id = job_id };
    if (is_cancel) self->stop.cancel = true;
    if (!is_cancel) self->stop.interrupt = true;
    bool cuts = self->runs == job_id && (!is_cancel || self->may_cut);
    if (cuts) stk_http_cancel(self->http);
    (void)pthread_mutex_unlock(&self->lock);
}

static bool is_submit(const struct stk_exec_job *job)
{
    return job->remote.phase == STK_REMOTE_NONE;
}

/* What has been asked of this job before it began; from here on a stop reaches
 * its request. */
static struct stop begin(struct http_runner *self, const struct stk_exec_job *job)
{
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop.job_id != job->id) self->stop = (struct stop){ .job_id = job->id };
    struct stop stop = self->stop;
    self->runs = job->id;
    self->may_cut = !is_submit(job) && !job->cancel_requested;
    stk_http_arm(self->http);
    if (stop.interrupt) stk_http_cancel(self->http);
    (void)pthread_mutex_unlock(&self->lock);
    return stop;
}

static struct stop end(struct http_runner *self)
{
    (void)pthread_mutex_lock(&self->lock);
    struct stop stop = self->stop;
    self->stop = (struct stop){ .job_id = 0 };
    self->runs = 0;
    (void)pthread_mutex_unlock(&self->lock);
    return stop;
}

/* --- one run -------------------------------------------------------------- */

static void copy_remote(const struct stk_remote *from, struct stk_exec_result *result)
{
    result->remote = *from;
    if (from->handle != NULL) stk_buf_adds(&result->handle, from->handle);
    if (from->result != NULL) stk_buf_adds(&result->result_at, from->result);
    result->remote.handle = from->handle != NULL ? stk_buf_str(&result->handle) : NULL;
    result->remote.result = from->result != NULL ? stk_buf_str(&result->result_at) : NULL;
}

static void step(struct stk_http_turn *turn)
{
    const struct stk_exec_job *job = turn->job;
    switch (job->remote.phase) {
    case STK_REMOTE_NONE: stk_http_submit(turn); return;
    case STK_REMOTE_ADOPTING: stk_http_adopt(turn); return;
    case STK_REMOTE_HANDLE:
        if (job->cancel_requested) {
            stk_http_call_off(turn);
        } else {
            stk_http_poll(turn);
        }
        return;
    case STK_REMOTE_FETCH:
        if (job->cancel_requested) {
            stk_verdict_say(turn->result, STK_OUTCOME_CANCELLED,
                            "cancelled; at the authority it had completed");
        } else {
            stk_http_fetch(turn);
        }
        return;
    case STK_REMOTE_SUBMITTING:
    case STK_REMOTE_PHASE_COUNT_: break;
    }
    stk_verdict_say(turn->result, STK_OUTCOME_AMBIGUOUS,
                    "it was being submitted by somebody else; nobody knows what became of that");
}

/* A task that was a command, or nothing, when the job was submitted elsewhere
 * keeps its spec; a job whose parameters no longer fit it cannot be asked for. */
static void run_turn(struct stk_http_turn *turn)
{
    struct stk_error err = { 0 };
    if (stk_http_turn_init(turn, &err) == STK_OK) {
        step(turn);
    } else {
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL, "%s", err.text);
    }
    stk_http_turn_release(turn);
}

/* What goes on at the authority keeps what is known of it; all else is over. */
static bool goes_on(enum stk_outcome outcome)
{
    return outcome == STK_OUTCOME_PARKED || outcome == STK_OUTCOME_THROTTLED ||
           outcome == STK_OUTCOME_SESSION_LOST || outcome == STK_OUTCOME_INTERRUPTED;
}

/* The request was ended because a person cancelled the job: the authority is
 * told in the next turn, at once. */
static void heed_cancel(struct stk_exec_result *result)
{
    bool is_cut = result->outcome == STK_OUTCOME_INTERRUPTED;
    if (!is_cut) return;
    bool is_known = result->remote.phase != STK_REMOTE_NONE;
    result->remote.poll_at = stk_clock_now();
    stk_verdict_say(result, is_known ? STK_OUTCOME_PARKED : STK_OUTCOME_CANCELLED, "cancelled");
}

static void http_run(struct stk_runner *runner, const struct stk_exec_job *job,
                     stk_exec_line_fn line, void *context, struct stk_exec_result *result)
{
    struct http_runner *self = downcast(runner);
    assert(job->task->http != NULL && job->note_submit != NULL);
    struct stk_http_turn turn = { .job = job,
                                  .spec = job->task->http,
                                  .result = result,
                                  .http = self->http,
                                  .reply = &self->reply,
                                  .line = line,
                                  .context = context };
    copy_remote(&job->remote, result);
    (void)stk_fault(STK_FAULT_EXEC_STARTED);
    struct stop before = begin(self, job);
    if (before.cancel && is_submit(job)) {
        stk_verdict_say(result, STK_OUTCOME_CANCELLED, "cancelled before it was submitted");
    } else if (before.interrupt) {
        result->remote.poll_at = stk_clock_now();
        stk_verdict_say(result, STK_OUTCOME_INTERRUPTED, "interrupted: its pool stopped");
    } else {
        run_turn(&turn);
    }
    struct stop after = end(self);
    if (after.cancel && !after.interrupt) heed_cancel(result);
    if (!goes_on(result->outcome)) result->remote = (struct stk_remote){ .progress = -1 };
    (void)stk_fault(STK_FAULT_EXEC_ENDED);
}

static void http_free(struct stk_runner *runner)
{
    struct http_runner *self = downcast(runner);
    stk_http_free(self->http);
    stk_http_reply_release(&self->reply);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct stk_executor_ops http_ops = {
    .name = "http",
    .run = http_run,
    .stop = http_stop,
    .free = http_free,
};

struct stk_runner *stk_http_runner_new(void)
{
    struct http_runner *self = stk_alloc(sizeof(*self));
    self->base.ops_ = &http_ops;
    self->http = stk_http_new();
    (void)pthread_mutex_init(&self->lock, NULL);
    return &self->base;
}
