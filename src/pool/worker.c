/* SPDX-License-Identifier: MIT */
#include "pool/worker.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/timetext.h"
#include "exec/command.h"
#include "exec/http.h"
#include "exec/noop.h"

enum { STACK_BYTES = 256 * 1024, RESULT_SHOWN = 200 };
enum { TOLD_TO_END = STK_EXIT_SIGNALLED + SIGTERM };
enum { CHILD_TOLD_TO_END = 128 + SIGTERM }; /* as a shell says it */

#define HEARSAY_NS (250 * STK_MS)

struct stk_worker {
    struct stk_desk *desk;
    struct stk_consoles *consoles; /* or NULL */
    struct stk_vault *vault;
    struct stk_spawner *spawner; /* or NULL: no commands */
    struct stk_runner *command;  /* NULL without a spawner */
    struct stk_runner *noop;
    struct stk_runner *http; /* costs nothing until it has a request to make */
    uint32_t number;
    int64_t pool_id; /* that `name` is of; a pool of a shared store may get another */
    char name[32];   /* "p1/w3" */
    int64_t job_id;  /* on the console's lines */
    pthread_t thread;
};

static void show_output(void *context, enum stk_stream stream, const char *line, size_t len)
{
    struct stk_worker *worker = context;
    enum stk_line_kind kind = stream == STK_STREAM_STDERR ? STK_LINE_STDERR : STK_LINE_STDOUT;
    stk_console_add(worker->consoles, worker->number, worker->job_id, kind, line, len);
}

static void ignore_output(void *context, enum stk_stream stream, const char *line, size_t len)
{
    (void)context;
    (void)stream;
    (void)line;
    (void)len;
}

static void say_start(struct stk_worker *worker, const struct stk_assignment *job)
{
    if (worker->consoles == NULL) return;
    worker->job_id = job->id;
    bool is_new = job->remote.phase == STK_REMOTE_NONE;
    int shown = job->params.len > RESULT_SHOWN ? RESULT_SHOWN : (int)job->params.len;
    stk_console_addf(worker->consoles, worker->number, job->id, STK_LINE_STEP, "%s %s %.*s%s%s",
                     is_new ? "started" : "asking for", job->task->name, shown,
                     stk_buf_str(&job->params), (size_t)shown < job->params.len ? "..." : "",
                     job->attempt > 1 ? " (again)" : "");
}

static void say_end(struct stk_worker *worker, const struct stk_assignment *job,
                    const struct stk_exec_result *ended, stk_time_ns took_ns)
{
    if (worker->consoles == NULL) return;
    char took[STK_DURATION_TEXT];
    stk_duration_text(took_ns, took);
    if (ended->outcome == STK_OUTCOME_COMPLETED) {
        int shown = ended->result.len > RESULT_SHOWN ? RESULT_SHOWN : (int)ended->result.len;
        stk_console_addf(worker->consoles, worker->number, job->id, STK_LINE_STEP,
                         "completed in %s %.*s%s", took, shown, stk_buf_str(&ended->result),
                         (size_t)shown < ended->result.len ? "..." : "");
        return;
    }
    stk_console_addf(worker->consoles, worker->number, job->id, STK_LINE_STEP, "%s after %s%s%s",
                     stk_outcome_name(ended->outcome), took, ended->error[0] != '\0' ? ": " : "",
                     ended->error);
}

static struct stk_runner *runner_of(struct stk_worker *worker, const struct stk_task *task)
{
    switch (task->executor) {
    case STK_EXECUTOR_COMMAND: return worker->command;
    case STK_EXECUTOR_NOOP: return worker->noop;
    case STK_EXECUTOR_HTTP: return worker->http;
    }
    return NULL;
}

/* What the job shows to its authority: as its claim saw it, or newer. Without it
 * nothing is started; the report makes the keeper look. A key that is missing here
 * is another pool's: from now on it is left to those. */
static bool fetch_pass(struct stk_worker *worker, const struct stk_assignment *job,
                       struct stk_pass *pass, struct stk_exec_result *ended)
{
    struct stk_error err = { 0 };
    if (job->task->session == NULL) return true;
    enum stk_rc rc = stk_vault_pass(worker->vault, job->task->session, job->generation, pass, &err);
    if (rc == STK_OK) return true;
    bool is_for_others = rc == STK_BAD_CONFIG && stk_desk_is_shared(worker->desk);
    stk_exec_result_clear(ended);
    ended->outcome = is_for_others ? STK_OUTCOME_INTERRUPTED : STK_OUTCOME_SESSION_LOST;
    ended->exit_status = -1;
    ended->generation = job->generation;
    (void)snprintf(ended->error, sizeof(ended->error), "%.*s", (int)sizeof(ended->error) - 1,
                   err.text);
    return false;
}

struct note {
    struct stk_worker *worker;
    const struct stk_assignment *job;
};

static enum stk_rc write_note(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    const struct stk_assignment *job = arg;
    return stk_store_remote_note(store, job->id, job->attempt_id, now, err);
}

static enum stk_rc note_submit(void *context, struct stk_error *err)
{
    const struct note *note = context;
    struct stk_assignment job = { .id = note->job->id, .attempt_id = note->job->attempt_id };
    return stk_desk_call(note->worker->desk, write_note, &job, err);
}

static void run(struct stk_worker *worker, const struct stk_assignment *job,
                const struct stk_pass *pass, struct stk_exec_result *ended)
{
    struct note note = { worker, job };
    const struct stk_exec_job exec_job = {
        .task = job->task,
        .id = job->id,
        .attempt_id = job->attempt_id,
        .sweep_id = job->sweep_id,
        .attempt = job->attempt,
        .params = stk_buf_str(&job->params),
        .params_len = job->params.len,
        .worker = worker->name,
        .credential = pass->credential,
        .headers = pass->headers,
        .remote = job->remote,
        .cancel_requested = job->cancel_requested,
        .note_submit = note_submit,
        .note_context = &note,
    };
    (void)stk_fault(STK_FAULT_EXEC_BEFORE);
    stk_exec_run(runner_of(worker, job->task), &exec_job,
                 worker->consoles != NULL ? show_output : ignore_output, worker, ended);
    ended->generation = pass->generation;
}

static void name_it(struct stk_worker *worker, int64_t pool_id)
{
    worker->pool_id = pool_id;
    (void)snprintf(worker->name, sizeof(worker->name), "p%" PRId64 "/w%u", pool_id, worker->number);
}

/* Batch systems tell all processes of an allocation to end, the jobs along with
 * their pool; we may hear of it a little after the job has died of it. */
static void excuse(struct stk_worker *worker, struct stk_exec_result *ended)
{
    bool was_told = ended->exit_status == TOLD_TO_END || ended->exit_status == CHILD_TOLD_TO_END;
    if (ended->outcome != STK_OUTCOME_FAILED || !was_told) return;
    stk_time_ns deadline = stk_clock_mono() + HEARSAY_NS;
    while (!stk_desk_is_stopping(worker->desk)) {
        if (stk_clock_mono() >= deadline) return;
        stk_clock_pause(10 * STK_MS);
    }
    ended->outcome = STK_OUTCOME_INTERRUPTED;
    (void)snprintf(ended->error, sizeof(ended->error),
                   "interrupted: it was told to end (SIGTERM) along with its pool");
}

static void execute(struct stk_worker *worker, const struct stk_assignment *job,
                    struct stk_exec_result *ended)
{
    struct stk_pass pass = { 0 };
    if (job->pool_id != worker->pool_id) name_it(worker, job->pool_id);
    say_start(worker, job);
    stk_time_ns before = stk_clock_mono();
    if (fetch_pass(worker, job, &pass, ended)) run(worker, job, &pass, ended);
    excuse(worker, ended);
    stk_pass_release(&pass);
    say_end(worker, job, ended, stk_clock_mono() - before);
}

/* Without the nursery every command would be interrupted again and again, until
 * its job is failed for it. */
static void check_spawner(struct stk_worker *worker, const struct stk_exec_result *ended)
{
    if (ended->outcome != STK_OUTCOME_INTERRUPTED || worker->spawner == NULL) return;
    if (stk_spawner_is_alive(worker->spawner)) return;
    stk_desk_break(worker->desk,
                   "the process that starts programs has ended; start the pool again");
}

static void *worker_main(void *arg)
{
    struct stk_worker *worker = arg;
    struct stk_exec_result ended = { 0 };

    const struct stk_assignment *job = stk_desk_next(worker->desk, worker->number, NULL);
    while (job != NULL) {
        execute(worker, job, &ended);
        check_spawner(worker, &ended);
        job = stk_desk_next(worker->desk, worker->number, &ended);
    }
    stk_exec_result_release(&ended);
    return NULL;
}

enum stk_rc stk_worker_start(struct stk_desk *desk, struct stk_spawner *spawner,
                             struct stk_consoles *consoles, struct stk_vault *vault,
                             int64_t pool_id, uint32_t number, struct stk_worker **ret,
                             struct stk_error *err)
{
    struct stk_worker *worker = stk_alloc(sizeof(*worker));
    worker->desk = desk;
    worker->consoles = consoles;
    worker->vault = vault;
    worker->number = number;
    worker->noop = stk_noop_new();
    worker->http = stk_http_runner_new();
    worker->spawner = spawner;
    if (spawner != NULL) worker->command = stk_command_new(spawner);
    name_it(worker, pool_id);

    *ret = worker; /* before the thread is: the desk may stop its job at once */
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&worker->thread, &attr, worker_main, worker);
    (void)pthread_attr_destroy(&attr);
    if (code == 0) return STK_OK;
    *ret = NULL;
    stk_runner_free(worker->command);
    stk_runner_free(worker->noop);
    stk_runner_free(worker->http);
    free(worker);
    return stk_fail(err, STK_UNAVAILABLE, "could not start the thread of worker %u", number);
}

void stk_worker_stop(struct stk_worker *worker, int64_t job_id, enum stk_stop how)
{
    if (worker->command != NULL) stk_exec_stop(worker->command, job_id, how);
    stk_exec_stop(worker->http, job_id, how);
}

void stk_worker_join(struct stk_worker *worker)
{
    if (worker == NULL) return;
    (void)pthread_join(worker->thread, NULL);
    stk_runner_free(worker->command);
    stk_runner_free(worker->noop);
    stk_runner_free(worker->http);
    free(worker);
}
