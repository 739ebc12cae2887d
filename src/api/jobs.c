/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/limits.h"
#include "api/page.h"
#include "api/pools.h"
#include "api/remotes.h"
#include "api/routes.h"
#include "api/sessions.h"
#include "api/show.h"
#include "base/alloc.h"
#include "model/shown.h"
#include "model/why.h"

enum { JOBS_LIMIT = 100, AHEAD_MAX = 1000, WHY_BYTES = 1024 };

/* --- a page of them ------------------------------------------------------ */

static enum stk_rc ask_state(const struct stk_call *call, int *ret, struct stk_error *err)
{
    const char *text = stk_call_text(call, "state");
    enum stk_state state = STK_STATE_PENDING;
    if (text == NULL) return STK_OK;

    if (!stk_state_from_name(text, &state)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID,
                        "state must be pending, running, completed, failed or cancelled, not "
                        "\"%s\"",
                        shown);
    }
    *ret = (int)state;
    return STK_OK;
}

enum stk_rc stk_api_jobs(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_page_release)
    struct stk_page page = {
        .filter = { .state = -1, .limit = JOBS_LIMIT },
        .show = stk_show_job,
    };

    enum stk_rc rc = ask_state(call, &page.filter.state, err);
    if (rc == STK_OK) rc = stk_page_ask(call, "before", &page, err);
    if (rc == STK_OK) rc = stk_page_read(call, &page, err);
    if (rc != STK_OK) return rc;

    *ret = stk_page_show(&page, "jobs");
    return STK_OK;
}

/* --- one, and why -------------------------------------------------------- */

struct job_read {
    const struct stk_call *call;
    int64_t id;                     /* 0: the last one */
    int64_t ahead;                  /* -1: unknown */
    const struct stk_queue *queues; /* the store's */
    size_t queue_count;
    struct stk_buf session, gate; /* sentences of a session or limit that is closed, or empty */
    struct stk_remote_read remote;
    struct stk_pools pools; /* on a shared store */
    json_t *shown;
    char why[WHY_BYTES];
};

static void add_queue_facts(const struct job_read *read, struct stk_why_facts *facts, char **reason)
{
    for (size_t i = 0; i < read->queue_count; i++) {
        const struct stk_queue *queue = &read->queues[i];
        if (!queue->paused || strcmp(queue->name, facts->queue) != 0) continue;

        facts->queue_paused = true;
        *reason = queue->actor == NULL
                      ? stk_strdup(queue->reason)
                      : stk_format("by %s%s%s", queue->actor, queue->reason != NULL ? ": " : "",
                                   queue->reason != NULL ? queue->reason : "");
        facts->queue_reason = *reason;
    }
}

static void add_pool_facts(struct stk_pool *pool, struct stk_why_facts *facts,
                           struct stk_pool_view *view)
{
    stk_pool_view(pool, view);

    facts->pools = 1;
    facts->workers = view->workers;
    facts->workers_busy = view->busy;
    if (view->state == STK_POOL_PAUSED) facts->pool_pause = view->reason;
}

static void add_pools_facts(const struct stk_pools *pools, const struct stk_job *job,
                            struct stk_why_facts *facts)
{
    const struct stk_pool_seen *own = stk_pools_find(pools, job->pool_id);
    facts->pools = pools->alive;
    facts->workers = pools->workers;
    facts->workers_busy = pools->busy;
    if (own != NULL && !own->is_alive) facts->lost_since = own->row.beat_at;
}

/* An open session helps nobody whose key does not open its secret. */
static void add_key_fact(struct job_read *read, const struct stk_job *job)
{
    const struct stk_task *task = stk_settings_queue(read->call->api->settings, job->queue);
    if (read->session.len > 0 || task == NULL || task->session == NULL) return;
    if (!stk_pools_lack_key(&read->pools, task->session->name)) return;
    stk_buf_addf(
        &read->session,
        "no running pool has the key to the secret of session %s: copy the key file of the "
        "machine that renewed it",
        task->session->name);
}

static void say_why(struct job_read *read, const struct stk_job *job)
{
    const struct stk_api *api = read->call->api;
    const struct stk_task *task = stk_settings_task(api->settings, job->task);
    STK_CLEANUP(stk_json_freep) json_t *worker = stk_show_worker(job->pool_id, job->worker);
    STK_CLEANUP(stk_freep) char *reason = NULL;
    struct stk_pool_view view;
    struct stk_why_facts facts = {
        .state = job->state,
        .task = job->task,
        .queue = job->queue,
        .ready_at = job->ready_at,
        .started_at = job->started_at,
        .finished_at = job->finished_at,
        .attempt = job->attempt,
        .attempts_max = task != NULL ? task->retry.attempts_max : 0,
        .interruptions = job->interruptions,
        .throttles = job->throttles,
        .held = job->held,
        .error = job->error,
        .worker = json_string_value(worker),
        .remote = read->remote.known ? &read->remote.remote : NULL,
        .cancel_requested = job->cancel_requested,
        .ahead = read->ahead > AHEAD_MAX ? AHEAD_MAX : read->ahead,
        .ahead_is_more = read->ahead > AHEAD_MAX,
        .id = job->id,
    };

    add_queue_facts(read, &facts, &reason);
    add_key_fact(read, job);
    if (api->pool != NULL) add_pool_facts(api->pool, &facts, &view);
    if (api->pool == NULL) add_pools_facts(&read->pools, job, &facts);
    if (read->session.len > 0) facts.session = stk_buf_str(&read->session);
    if (read->gate.len > 0) facts.gate = stk_buf_str(&read->gate);
    stk_why_sentence(&facts, read->call->request->now, read->why, sizeof read->why);
}

static void take_job(void *context, const struct stk_job *job)
{
    struct job_read *read = context;
    read->shown = stk_show_job(job);
    stk_put(read->shown, "remote",
            read->remote.known ? json_incref(read->remote.shown) : json_null());
    say_why(read, job);
}

static void add_attempt(void *context, const struct stk_attempt *attempt)
{
    json_t *shown = json_object();
    char id[24];
    (void)snprintf(id, sizeof id, "%016" PRIx64, (uint64_t)attempt->attempt_id);

    stk_put(shown, "attempt", json_integer(attempt->attempt));
    stk_put(shown, "attempt_id", attempt->attempt_id == 0 ? json_null() : json_string(id));
    stk_put(shown, "outcome", stk_show_text(attempt->outcome));
    stk_put(shown, "error", stk_show_text(attempt->error));
    stk_put(shown, "result", stk_show_json(attempt->result));
    stk_put(shown, "exit_status",
            attempt->exit_status < 0 ? json_null() : json_integer(attempt->exit_status));
    stk_put(shown, "tail", stk_show_text(attempt->tail));
    stk_put(shown, "worker", stk_show_worker(attempt->pool_id, attempt->worker));
    stk_put(shown, "started_at", stk_show_time(attempt->started_at));
    stk_put(shown, "finished_at", stk_show_time(attempt->finished_at));
    (void)json_array_append_new(context, shown);
}

static void take_queue(void *context, const struct stk_job *job)
{
    stk_buf_adds(context, job->queue);
}

static enum stk_rc read_gate(struct stk_store *store, struct job_read *read, struct stk_error *err)
{
    const struct stk_settings *settings = read->call->api->settings;
    if (settings->limit_count == 0 && settings->session_count == 0) return STK_OK;
    STK_CLEANUP(stk_buf_release) struct stk_buf queue = STK_BUF_INIT;
    enum stk_rc rc = stk_store_job(store, read->id, take_queue, &queue, err);
    if (rc == STK_OK) {
        rc = stk_sessions_why(store, settings, stk_buf_str(&queue), read->call->request->now,
                              &read->session, err);
    }
    if (rc != STK_OK) return rc;
    return stk_limits_why(store, settings, stk_buf_str(&queue), read->call->request->now,
                          &read->gate, err);
}

/* What is needed for the sentence comes first, because the job's texts are the
 * store's and gone after its row. A job that is not claimable has nobody ahead
 * of it, one that does not exist is noticed by its own read. */
static enum stk_rc read_job(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct job_read *read = arg;
    enum stk_rc rc = STK_OK;

    if (read->id == 0) rc = stk_store_last_job(store, &read->id, err);
    if (rc != STK_OK) return rc;
    read->ahead = -1;
    rc = stk_store_jobs_ahead(store, read->id, AHEAD_MAX + 1, &read->ahead, err);
    if (rc != STK_OK && rc != STK_NOT_FOUND) return rc;
    rc = read_gate(store, read, err);
    if (rc == STK_OK) rc = stk_remotes_read(store, read->id, &read->remote, err);
    if (rc == STK_OK && stk_pools_are_rows(read->call->api)) {
        rc = stk_pools_read(store, read->call->request->now, &read->pools, err);
    }
    if (rc == STK_OK) rc = stk_store_queues(store, &read->queues, &read->queue_count, err);
    if (rc != STK_OK) return rc;

    return stk_store_job(store, read->id, take_job, read, err);
}

static void release(struct job_read *read)
{
    stk_buf_release(&read->session);
    stk_buf_release(&read->gate);
    stk_remote_read_release(&read->remote);
    stk_pools_release(&read->pools);
}

static enum stk_rc read_job_whole(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct job_read *read = arg;
    enum stk_rc rc = read_job(store, arg, err);
    if (rc != STK_OK) return rc;

    json_t *attempts = json_array();
    stk_put(read->shown, "why", json_string_nocheck(read->why));
    stk_put(read->shown, "attempts", attempts);
    return stk_store_attempts(store, read->id, add_attempt, attempts, err);
}

enum stk_rc stk_api_job(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct job_read read = { .call = call };
    enum stk_rc rc = stk_id_or_last(call->arg, "job", &read.id, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_job_whole, &read, err);

    release(&read);
    if (rc == STK_OK) *ret = json_incref(read.shown);
    stk_json_freep(&read.shown);
    return rc;
}

enum stk_rc stk_api_job_why(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct job_read read = { .call = call };
    enum stk_rc rc = stk_id_or_last(call->arg, "job", &read.id, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_job, &read, err);
    release(&read);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_json_freep) json_t *job = read.shown;
    json_t *shown = json_object();
    stk_put(shown, "id", json_integer(read.id));
    stk_put(shown, "state", json_incref(json_object_get(job, "state")));
    stk_put(shown, "why", json_string_nocheck(read.why));
    *ret = shown;
    return STK_OK;
}
