/* SPDX-License-Identifier: MIT */
#include "exec/http.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "exec/http_step.h"
#include "exec/ops.h"

struct http_runner {
    struct stk_runner base;
    struct stk_http *http;

    pthread_mutex_t lock;
    /* guarded by lock */
    int64_t stop_id; /* whose stop this is; 0: none */
    bool stop, cancel;
    int64_t submit_id; /* the job whose submit is under way; 0: none */
};

struct attempt {
    struct http_runner *self;
    const struct stk_exec_job *job;
};

static struct http_runner *downcast(struct stk_runner *runner)
{
    return (struct http_runner *)(void *)runner;
}

/* --- stopping ------------------------------------------------------------- */

static void http_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how)
{
    struct http_runner *self = downcast(runner);
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop_id != job_id) self->stop = self->cancel = false;
    self->stop_id = job_id;
    if (how == STK_STOP_CANCEL) self->cancel = true;
    if (how != STK_STOP_CANCEL) self->stop = true;
    bool waits = how == STK_STOP_CANCEL && self->submit_id == job_id;
    if (!waits) stk_http_cancel(self->http);
    (void)pthread_mutex_unlock(&self->lock);
}

/* A stop for another job is out of date. */
static enum stk_http_wish wish(void *context)
{
    struct attempt *attempt = context;
    struct http_runner *self = attempt->self;
    enum stk_http_wish found = STK_HTTP_GO_ON;
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop_id == attempt->job->id) {
        found = self->stop ? STK_HTTP_STOP : self->cancel ? STK_HTTP_CANCEL : STK_HTTP_GO_ON;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return found;
}

/* From here on stops end requests, but those of jobs before this one do not. */
static void begin(struct http_runner *self, const struct stk_exec_job *job)
{
    (void)pthread_mutex_lock(&self->lock);
    bool is_stopped = self->stop_id == job->id && self->stop;
    if (!is_stopped) stk_http_arm(self->http);
    self->submit_id = job->remote.phase == STK_REMOTE_NONE ? job->id : 0;
    (void)pthread_mutex_unlock(&self->lock);
}

static void end(struct http_runner *self, const struct stk_exec_job *job)
{
    (void)pthread_mutex_lock(&self->lock);
    if (self->stop_id == job->id) self->stop_id = 0;
    self->submit_id = 0;
    (void)pthread_mutex_unlock(&self->lock);
}

/* --- one step ------------------------------------------------------------- */

static void run_phase(struct stk_http_step *step)
{
    bool is_cancel =
        step->job->cancel_requested || step->wish(step->wish_context) == STK_HTTP_CANCEL;
    switch (step->remote.phase) {
    case STK_REMOTE_NONE: stk_http_submit_step(step); return;
    case STK_REMOTE_SUBMITTING: /* a claim never hands it out: it was ended by a rescue */
    case STK_REMOTE_PHASE_COUNT_: stk_http_ambiguous(step, "it was being submitted"); return;
    case STK_REMOTE_ADOPTING: stk_http_adopt_step(step); return;
    case STK_REMOTE_HANDLE:
        if (is_cancel) {
            stk_http_cancel_step(step);
        } else {
            stk_http_poll_step(step);
        }
        return;
    case STK_REMOTE_FETCH: stk_http_fetch_step(step); return;
    }
}

/* Requests go out again, unless the pool stops too. */
static bool arm_for_cancel(struct http_runner *self, int64_t job_id)
{
    (void)pthread_mutex_lock(&self->lock);
    bool may_go = self->stop_id == job_id && self->cancel && !self->stop;
    if (may_go) stk_http_arm(self->http);
    (void)pthread_mutex_unlock(&self->lock);
    return may_go;
}

/* A person's cancel came while it was being asked about. */
static void heed_cancel(struct http_runner *self, struct stk_http_step *step)
{
    bool was_ended = step->result->outcome == STK_OUTCOME_INTERRUPTED;
    bool has_handle = step->remote.phase == STK_REMOTE_HANDLE;
    if (!was_ended || !has_handle || !arm_for_cancel(self, step->job->id)) return;
    step->remote = step->job->remote;
    stk_exec_result_clear(step->result);
    stk_http_cancel_step(step);
}

static void run_job(struct http_runner *self, const struct stk_exec_job *job, stk_exec_line_fn line,
                    void *context, struct stk_exec_result *result)
{
    struct attempt attempt = { .self = self, .job = job };
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_http_step_release)
    struct stk_http_step step = { .job = job,
                                  .spec = job->task->http,
                                  .result = result,
                                  .http = self->http,
                                  .wish = wish,
                                  .wish_context = &attempt,
                                  .line = line,
                                  .line_context = context,
                                  .remote = job->remote };
    if (stk_json_parse(job->params, job->params_len, &step.params, &err) != STK_OK) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL, "its parameters are broken: %s",
                        err.text);
        return;
    }
    run_phase(&step);
    heed_cancel(self, &step);
}

static void http_run(struct stk_runner *runner, const struct stk_exec_job *job,
                     stk_exec_line_fn line, void *context, struct stk_exec_result *result)
{
    struct http_runner *self = downcast(runner);
    begin(self, job);
    run_job(self, job, line, context, result);
    end(self, job);
}

/* --- a runner ------------------------------------------------------------- */

static void http_free(struct stk_runner *runner)
{
    struct http_runner *self = downcast(runner);
    stk_http_free(self->http);
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
