/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/limits.h"
#include "api/pools.h"
#include "api/queues.h"
#include "api/routes.h"
#include "api/sessions.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/timetext.h"

struct status_read {
    const struct stk_api *api;
    const struct stk_settings *settings;
    struct stk_counts counts;
    json_t *tasks, *queues, *limits, *sessions;
    const bool *seen;       /* see stk_sessions_seen */
    struct stk_pools pools; /* on a shared store */
    stk_time_ns now;
};

/* --- what the store knows ------------------------------------------------ */

static json_t *show_task(const char *task, const char *queue, const struct stk_counts *counts)
{
    json_t *shown = json_object();
    stk_put(shown, "task", stk_show_text(task));
    stk_put(shown, "queue", stk_show_text(queue));
    stk_put_counts(shown, counts);
    return shown;
}

static void add_task(void *context, const char *queue, const char *task,
                     const struct stk_counts *counts)
{
    (void)json_array_append_new(context, show_task(task, queue, counts));
}

static bool has_task(const json_t *rows, const char *task)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(rows, i), "task"));
        if (name != NULL && strcmp(name, task) == 0) return true;
    }
    return false;
}

static void add_idle_tasks(const struct stk_settings *settings, json_t *rows)
{
    static const struct stk_counts none;
    for (size_t i = 0; i < settings->task_count; i++) {
        const struct stk_task *task = &settings->tasks[i];
        if (has_task(rows, task->name)) continue;
        (void)json_array_append_new(rows, show_task(task->name, task->queue, &none));
    }
}

static enum stk_rc read_pools(struct stk_store *store, struct status_read *read, int64_t *ret_idle,
                              struct stk_error *err)
{
    if (!stk_pools_are_rows(read->api)) {
        return stk_pools_idle(read->api, store, read->now, ret_idle, err);
    }
    enum stk_rc rc = stk_pools_read(store, read->now, &read->pools, err);
    *ret_idle = (int64_t)read->pools.workers - read->pools.busy;
    return rc;
}

static enum stk_rc read_status(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct status_read *read = arg;
    int64_t idle = 0;

    enum stk_rc rc = stk_store_counts(store, 0, &read->counts, err);
    if (rc == STK_OK) rc = stk_store_counts_by_task(store, add_task, read->tasks, err);
    if (rc == STK_OK) rc = stk_queues_read(store, read->settings, read->queues, err);
    if (rc == STK_OK) rc = stk_limits_read(store, read->settings, read->now, read->limits, err);
    if (rc == STK_OK) rc = read_pools(store, read, &idle, err);
    if (rc == STK_OK) {
        rc = stk_sessions_read(store, read->settings, read->seen, idle, read->now, read->sessions,
                               err);
    }
    if (rc == STK_OK) add_idle_tasks(read->settings, read->tasks);
    return rc;
}

/* --- what the pool knows ------------------------------------------------- */

static json_t *show_pool(const struct stk_pool_view *view)
{
    char host[72] = "";
    (void)gethostname(host, sizeof host - 1); /* shown only; empty when unknown */
    json_t *shown = json_object();

    stk_put(shown, "pool", stk_show_pool(view->id));
    stk_put(shown, "host", json_string_nocheck(host));
    stk_put(shown, "pid", json_integer(getpid()));
    stk_put(shown, "workers", json_integer(view->workers));
    stk_put(shown, "busy", json_integer(view->busy));
    stk_put(shown, "state", stk_show_text(stk_pool_state_name(view->state)));
    stk_put(shown, "reason", stk_show_text(view->reason[0] != '\0' ? view->reason : NULL));
    stk_put(shown, "started_at", stk_show_time(view->started_at));
    stk_put(shown, "containment", stk_show_text(view->containment));
    stk_put(shown, "per_s", stk_show_per_s(view->per_s));
    stk_put(shown, "late_answers", json_integer(view->late_answers));
    return shown;
}

struct workers_read {
    int64_t pool_id;
    json_t *rows;
};

static void add_worker(void *context, const struct stk_worker_view *view)
{
    const struct workers_read *read = context;
    STK_CLEANUP(stk_freep) char *name = stk_format("w%" PRIu32, view->number);
    json_t *shown = json_object();

    stk_put(shown, "pool", stk_show_pool(read->pool_id));
    stk_put(shown, "worker", json_string(name));
    stk_put(shown, "state", stk_show_text(stk_worker_state_name(view->state)));
    stk_put(shown, "job", stk_show_id(view->job_id));
    stk_put(shown, "task", stk_show_text(view->task));
    stk_put(shown, "attempt", stk_show_id(view->attempt));
    stk_put(shown, "since", stk_show_time(view->since));
    stk_put(shown, "completed", json_integer(view->completed));
    stk_put(shown, "failed", json_integer(view->failed));
    (void)json_array_append_new(read->rows, shown);
}

/* --- problems first ------------------------------------------------------ */

static void add_problem(json_t *problems, char *text)
{
    (void)json_array_append_new(problems, json_string_nocheck(text));
    stk_freep(&text);
}

static void add_pool_problems(json_t *problems, const struct stk_pool_view *view)
{
    if (view->state == STK_POOL_PAUSED) {
        add_problem(problems,
                    stk_format("pool p%" PRId64 " has paused itself: %s", view->id, view->reason));
    }
    if (view->late_answers > 0) {
        add_problem(problems,
                    stk_format("%" PRId64 " late answer%s refused: see stoker events",
                               view->late_answers, view->late_answers == 1 ? " was" : "s were"));
    }
}

/* Pools that have not been heard of; the jobs of a lost one that nobody is left to
 * give back are said by add_no_pool_problems. */
static void add_unheard_problems(json_t *problems, const struct stk_pools *pools, stk_time_ns now)
{
    for (size_t i = 0; i < pools->count; i++) {
        const struct stk_pool_seen *seen = &pools->rows[i];
        char since[STK_DURATION_TEXT];
        bool is_lost = seen->state == STK_POOL_LOST;
        if (!is_lost && seen->state != STK_POOL_SILENT) continue;
        if (pools->alive == 0) continue;
        stk_duration_text(now - seen->row.beat_at, since);
        add_problem(problems, stk_format("pool p%" PRId64 " on %s has not been heard of for %s: %s",
                                         seen->row.id, seen->host, since,
                                         is_lost ? "its jobs are given back"
                                                 : "it is stuck, or cannot reach the database"));
    }
}

/* One that takes jobs, and says what it cannot do. */
static void add_reason_problems(json_t *problems, const struct stk_pools *pools)
{
    for (size_t i = 0; i < pools->count; i++) {
        const struct stk_pool_seen *seen = &pools->rows[i];
        bool takes_jobs = seen->state == STK_POOL_RUNNING || seen->state == STK_POOL_DRAINING;
        if (!takes_jobs || seen->reason[0] == '\0') continue;
        add_problem(problems, stk_format("pool p%" PRId64 " on %s: %s", seen->row.id, seen->host,
                                         seen->reason));
    }
}

/* In this process and without a pool on SQLite: the lock is ours, so nobody else runs. */
static void add_no_pool_problems(json_t *problems, const struct stk_counts *counts)
{
    int64_t pending = counts->of[STK_STATE_PENDING];
    int64_t running = counts->of[STK_STATE_RUNNING];
    if (pending > 0) {
        add_problem(problems, stk_format("no pool is running, and %" PRId64 " job%s pending: start "
                                         "one with: stoker up",
                                         pending, pending == 1 ? " is" : "s are"));
    }
    if (running > 0) {
        add_problem(problems,
                    stk_format("a pool died with %" PRId64 " job%s running: stoker up "
                               "gives %s back",
                               running, running == 1 ? "" : "s", running == 1 ? "it" : "them"));
    }
}

static void add_queue_problems(json_t *problems, const json_t *queues)
{
    for (size_t i = 0; i < json_array_size(queues); i++) {
        const json_t *queue = json_array_get(queues, i);
        const char *name = json_string_value(json_object_get(queue, "queue"));
        const char *actor = json_string_value(json_object_get(queue, "by"));
        const char *reason = json_string_value(json_object_get(queue, "reason"));
        if (name == NULL || !json_is_true(json_object_get(queue, "paused"))) continue;

        add_problem(problems, stk_format("queue \"%s\" is paused%s%s%s%s", name,
                                         actor != NULL ? " by " : "", actor != NULL ? actor : "",
                                         reason != NULL ? ": " : "", reason != NULL ? reason : ""));
    }
}

/* What stands still, or soon will. One that nothing waits for is no problem. */
static void add_session_problems(json_t *problems, const json_t *sessions)
{
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        const json_t *session = json_array_get(sessions, i);
        const char *text = json_string_value(json_object_get(session, "text"));
        int64_t pending = json_integer_value(json_object_get(session, "pending"));
        bool is_open = json_is_true(json_object_get(session, "open"));
        bool is_ending = json_is_true(json_object_get(session, "warn"));
        if (text == NULL || (is_open && !is_ending)) continue;
        if (pending == 0 && !is_ending) continue;
        add_problem(problems,
                    stk_format("%s; %" PRId64 " job%s %s", text, pending, pending == 1 ? "" : "s",
                               is_open        ? pending == 1 ? "still needs it" : "still need it"
                               : pending == 1 ? "waits for it"
                                              : "wait for it"));
    }
}

/* A rate or slots in use are how it should be; a closed limit is worth knowing. */
static void add_limit_problems(json_t *problems, const json_t *limits)
{
    static const char *const closed[] = { "cooldown", "quota", "breaker" };
    for (size_t i = 0; i < json_array_size(limits); i++) {
        const json_t *limit = json_array_get(limits, i);
        const char *state = json_string_value(json_object_get(limit, "state"));
        for (size_t k = 0; state != NULL && k < STK_ARRAY_LEN(closed); k++) {
            if (strcmp(state, closed[k]) != 0) continue;
            (void)json_array_append(problems, json_object_get(limit, "text"));
        }
    }
}

static void add_failed_problem(json_t *problems, int64_t failed)
{
    if (failed == 0) return;
    add_problem(problems, stk_format("%" PRId64 " job%s failed: see stoker jobs --state failed",
                                     failed, failed == 1 ? " has" : "s have"));
}

/* --- the whole ----------------------------------------------------------- */

static json_t *show_eta(const struct stk_counts *counts, double per_s)
{
    int64_t left = counts->of[STK_STATE_PENDING] + counts->of[STK_STATE_RUNNING];
    struct stk_rate rate = { .per_s = per_s };
    return left == 0 ? json_null() : stk_show_seconds(stk_rate_eta(&rate, left));
}

static void show_own_pool(struct stk_pool *pool, json_t *pools, json_t *workers,
                          struct stk_pool_view *ret)
{
    stk_pool_view(pool, ret);
    struct workers_read read = { .pool_id = ret->id, .rows = workers };
    (void)json_array_append_new(pools, show_pool(ret));
    stk_pool_workers(pool, add_worker, &read);
}

static void put_pools(json_t *shown, json_t *problems, const struct status_read *read)
{
    json_t *pools = json_array();
    json_t *workers = json_array();
    struct stk_pool_view view = { .id = 0 };

    if (read->api->pool != NULL) {
        show_own_pool(read->api->pool, pools, workers, &view);
        add_pool_problems(problems, &view);
    } else {
        stk_pools_show(&read->pools, pools, workers);
        view.per_s = read->pools.per_s;
        add_unheard_problems(problems, &read->pools, read->now);
        add_reason_problems(problems, &read->pools);
        if (read->pools.alive == 0) add_no_pool_problems(problems, &read->counts);
    }

    stk_put(shown, "pools", pools);
    stk_put(shown, "workers", workers);
    stk_put(shown, "eta_s", show_eta(&read->counts, view.per_s));
}

static json_t *show_status(const struct stk_call *call, const struct status_read *read)
{
    json_t *shown = json_object();
    json_t *jobs = json_object();
    json_t *problems = json_array();

    stk_put(shown, "jobs", jobs);
    stk_put_counts(jobs, &read->counts);
    stk_put(shown, "tasks", json_incref(read->tasks));
    put_pools(shown, problems, read);
    stk_put(shown, "queues", json_incref(read->queues));
    stk_put(shown, "sessions", json_incref(read->sessions));
    stk_put(shown, "limits", json_incref(read->limits));
    add_queue_problems(problems, read->queues);
    add_session_problems(problems, read->sessions);
    add_limit_problems(problems, read->limits);
    add_failed_problem(problems, read->counts.of[STK_STATE_FAILED]);
    stk_put(shown, "problems", problems);
    stk_put(shown, "store", stk_show_text(call->api->settings->store));
    stk_put(shown, "version", json_string(STK_VERSION));
    return shown;
}

enum stk_rc stk_api_status(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *tasks = json_array();
    STK_CLEANUP(stk_json_freep) json_t *queues = json_array();
    STK_CLEANUP(stk_json_freep) json_t *limits = json_array();
    STK_CLEANUP(stk_json_freep) json_t *sessions = json_array();
    struct status_read read = { .api = call->api,
                                .settings = call->api->settings,
                                .tasks = tasks,
                                .queues = queues,
                                .limits = limits,
                                .sessions = sessions,
                                .now = call->request->now };

    bool *seen = NULL;
    enum stk_rc rc = stk_sessions_seen(call, &seen, err);
    read.seen = seen;
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_status, &read, err);
    free(seen);
    if (rc == STK_OK) *ret = show_status(call, &read);
    stk_pools_release(&read.pools);
    return rc;
}
