/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

static const struct stk_engine *const engines[] = { &stk_engine_sqlite, &stk_engine_pg };

static const struct stk_engine *engine_of(const char *url)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(engines); i++) {
        for (size_t k = 0; k < STK_ENGINE_SCHEMES && engines[i]->schemes[k] != NULL; k++) {
            size_t len = strlen(engines[i]->schemes[k]);
            if (strncmp(url, engines[i]->schemes[k], len) == 0 && url[len] == ':')
                return engines[i];
        }
    }
    return NULL;
}

enum stk_rc stk_engine_of(const char *url, const struct stk_engine **ret, struct stk_error *err)
{
    *ret = engine_of(url);
    if (*ret != NULL) return STK_OK;
    return stk_fail(err, STK_INVALID,
                    "\"%s\" names no store; write sqlite:PATH or postgresql://HOST/DATABASE", url);
}

/* --- opening ------------------------------------------------------------- */

static stk_store_wait_fn say_wait;

void stk_store_on_wait(stk_store_wait_fn say)
{
    say_wait = say;
}

void stk_store_say_wait(const char *sentence)
{
    if (say_wait != NULL) say_wait(sentence);
}

enum stk_rc stk_store_open(const char *url, const struct stk_store_options *options,
                           struct stk_store **ret, struct stk_error *err)
{
    assert(url != NULL && options != NULL && ret != NULL);
    const struct stk_engine *engine = NULL;
    enum stk_rc rc = stk_engine_of(url, &engine, err);
    return engine != NULL ? engine->open(url, options, ret, err) : rc;
}

void stk_store_close(struct stk_store *store)
{
    if (store != NULL) store->engine->close(store);
}

void stk_store_closep(struct stk_store **store)
{
    stk_store_close(*store);
    *store = NULL;
}

enum stk_rc stk_store_owner(const char *url, struct stk_owner *ret, struct stk_error *err)
{
    const struct stk_engine *engine = NULL;
    enum stk_rc rc = stk_engine_of(url, &engine, err);
    return engine != NULL ? engine->owner(url, ret, err) : rc;
}

char *stk_store_socket_path(const char *url)
{
    const struct stk_engine *engine = engine_of(url);
    return engine != NULL ? engine->socket_path(url) : NULL;
}

bool stk_store_is_shared(const char *url)
{
    const struct stk_engine *engine = engine_of(url);
    return engine != NULL && engine->is_shared;
}

enum stk_rc stk_store_versions(struct stk_store *store, int *ret_found, int *ret_have,
                               int *ret_newest, struct stk_error *err)
{
    return store->engine->versions(store, ret_found, ret_have, ret_newest, err);
}

/* --- time and life -------------------------------------------------------- */

stk_time_ns stk_store_now(struct stk_store *store)
{
    return store->engine->now(store);
}

stk_time_ns stk_store_lease(struct stk_store *store)
{
    return store->engine->lease(store);
}

/* --- transactions -------------------------------------------------------- */

enum stk_rc stk_store_begin(struct stk_store *store, struct stk_error *err)
{
    return store->engine->begin(store, err);
}

enum stk_rc stk_store_commit(struct stk_store *store, struct stk_error *err)
{
    return store->engine->commit(store, err);
}

void stk_store_rollback(struct stk_store *store)
{
    store->engine->rollback(store);
}

enum stk_rc stk_store_savepoint(struct stk_store *store, struct stk_error *err)
{
    return store->engine->savepoint(store, err);
}

enum stk_rc stk_store_savepoint_keep(struct stk_store *store, struct stk_error *err)
{
    return store->engine->savepoint_keep(store, err);
}

void stk_store_savepoint_undo(struct stk_store *store)
{
    store->engine->savepoint_undo(store);
}

/* --- words --------------------------------------------------------------- */

enum stk_rc stk_store_task(struct stk_store *store, const char *name, const char *queue,
                           int64_t *ret_id, struct stk_error *err)
{
    assert(name != NULL && queue != NULL);
    return store->engine->task(store, name, queue, ret_id, err);
}

enum stk_rc stk_store_queues(struct stk_store *store, const struct stk_queue **ret,
                             size_t *ret_count, struct stk_error *err)
{
    return store->engine->queues(store, ret, ret_count, err);
}

enum stk_rc stk_store_queue_pause(struct stk_store *store, const char *name, bool paused,
                                  const char *reason, const char *actor, stk_time_ns now,
                                  struct stk_error *err)
{
    assert(name != NULL);
    return store->engine->queue_pause(store, name, paused, reason, actor, now, err);
}

enum stk_rc stk_store_queue_load(struct stk_store *store, int64_t queue_id, int64_t *ret_pending,
                                 int64_t *ret_running, struct stk_error *err)
{
    return store->engine->queue_load(store, queue_id, ret_pending, ret_running, err);
}

/* --- the way of a job ---------------------------------------------------- */

enum stk_rc stk_store_submit(struct stk_store *store, const struct stk_new_job *jobs, size_t count,
                             stk_time_ns now, struct stk_submitted *ret, struct stk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].key == NULL || strnlen(jobs[i].key, STK_KEY_BYTES_MAX + 1) <= STK_KEY_BYTES_MAX)
            continue;
        return stk_fail(err, STK_INVALID, "a key has at most %d bytes", STK_KEY_BYTES_MAX);
    }
    return store->engine->submit(store, jobs, count, now, ret, err);
}

enum stk_rc stk_store_promote(struct stk_store *store, stk_time_ns now, size_t limit,
                              size_t *ret_moved, struct stk_error *err)
{
    return store->engine->promote(store, now, limit, ret_moved, err);
}

stk_time_ns stk_store_next_due(struct stk_store *store)
{
    return store->engine->next_due(store);
}

enum stk_rc stk_store_claim(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                            const uint32_t *slots, size_t count, stk_time_ns now, stk_claim_fn each,
                            void *context, size_t *ret_count, struct stk_error *err)
{
    assert(pool_id > 0 && each != NULL);
    return store->engine->claim(store, queue_id, pool_id, slots, count, now, each, context,
                                ret_count, err);
}

enum stk_rc stk_store_settle(struct stk_store *store, struct stk_settle *settles, size_t count,
                             stk_time_ns now, struct stk_error *err)
{
    return store->engine->settle(store, settles, count, now, err);
}

enum stk_rc stk_store_claim_polls(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                                  const uint32_t *slots, size_t count, stk_time_ns now,
                                  stk_claim_fn each, void *context, size_t *ret_count,
                                  struct stk_error *err)
{
    assert(pool_id > 0 && each != NULL);
    return store->engine->claim_polls(store, queue_id, pool_id, slots, count, now, each, context,
                                      ret_count, err);
}

stk_time_ns stk_store_next_poll(struct stk_store *store)
{
    return store->engine->next_poll(store);
}

enum stk_rc stk_store_remote_note(struct stk_store *store, int64_t job_id, int64_t attempt_id,
                                  stk_time_ns now, struct stk_error *err)
{
    return store->engine->remote_note(store, job_id, attempt_id, now, err);
}

enum stk_rc stk_store_remote(struct stk_store *store, int64_t job_id, stk_remote_fn each,
                             void *context, struct stk_error *err)
{
    return store->engine->remote(store, job_id, each, context, err);
}

/* --- what people do ------------------------------------------------------ */

enum stk_rc stk_store_cancel(struct stk_store *store, const struct stk_job_range *range,
                             const char *reason, const char *actor, stk_time_ns now,
                             struct stk_bulk *bulk, void (*running)(void *context, int64_t job_id),
                             void *context, struct stk_error *err)
{
    return store->engine->cancel(store, range, reason, actor, now, bulk, running, context, err);
}

enum stk_rc stk_store_retry(struct stk_store *store, const struct stk_job_range *range,
                            const char *reason, const char *actor, stk_time_ns now,
                            struct stk_bulk *bulk, struct stk_error *err)
{
    return store->engine->retry(store, range, reason, actor, now, bulk, err);
}

enum stk_rc stk_store_rescue(struct stk_store *store, int64_t pool_id, stk_bound_fn bound,
                             void *context, stk_time_ns now, struct stk_bulk *bulk,
                             struct stk_error *err)
{
    return store->engine->rescue(store, pool_id, bound, context, now, bulk, err);
}

enum stk_rc stk_store_cancels(struct stk_store *store, int64_t pool_id,
                              void (*each)(void *context, int64_t job_id), void *context,
                              struct stk_error *err)
{
    return store->engine->cancels(store, pool_id, each, context, err);
}

enum stk_rc stk_store_release_held(struct stk_store *store, int64_t task_id, stk_time_ns now,
                                   struct stk_bulk *bulk, struct stk_error *err)
{
    return store->engine->release_held(store, task_id, now, bulk, err);
}

/* --- sweeps -------------------------------------------------------------- */

enum stk_rc stk_store_sweep_new(struct stk_store *store, const char *name, int64_t task_id,
                                const char *spec, int64_t points, stk_time_ns now, int64_t *ret_id,
                                struct stk_error *err)
{
    assert(spec != NULL);
    return store->engine->sweep_new(store, name, task_id, spec, points, now, ret_id, err);
}

enum stk_rc stk_store_sweep_set(struct stk_store *store, int64_t id, const char *spec,
                                int64_t points, bool filled, struct stk_error *err)
{
    assert(spec != NULL);
    return store->engine->sweep_set(store, id, spec, points, filled, err);
}

enum stk_rc stk_store_sweep_take(struct stk_store *store, int64_t id, struct stk_error *err)
{
    return store->engine->sweep_take(store, id, err);
}

enum stk_rc stk_store_sweeps(struct stk_store *store, int64_t id, int64_t before_id, size_t limit,
                             stk_sweep_fn each, void *context, struct stk_error *err)
{
    return store->engine->sweeps(store, id, before_id, limit, each, context, err);
}

enum stk_rc stk_store_unfilled_sweep(struct stk_store *store, int64_t after_id, int64_t *ret_id,
                                     struct stk_error *err)
{
    return store->engine->unfilled_sweep(store, after_id, ret_id, err);
}

enum stk_rc stk_store_last_sweep(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    return store->engine->last_sweep(store, ret_id, err);
}

/* --- reading ------------------------------------------------------------- */

enum stk_rc stk_store_jobs(struct stk_store *store, const struct stk_job_filter *filter,
                           stk_job_fn each, void *context, struct stk_error *err)
{
    if (filter->limit >= 1 && filter->limit <= STK_PAGE_MAX) {
        return store->engine->jobs(store, filter, each, context, err);
    }
    return stk_fail(err, STK_INVALID, "a page has 1 to %d jobs", STK_PAGE_MAX);
}

enum stk_rc stk_store_job(struct stk_store *store, int64_t id, stk_job_fn each, void *context,
                          struct stk_error *err)
{
    return store->engine->job(store, id, each, context, err);
}

enum stk_rc stk_store_last_job(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    return store->engine->last_job(store, ret_id, err);
}

enum stk_rc stk_store_jobs_ahead(struct stk_store *store, int64_t id, int64_t most, int64_t *ret,
                                 struct stk_error *err)
{
    return store->engine->jobs_ahead(store, id, most, ret, err);
}

enum stk_rc stk_store_attempts(struct stk_store *store, int64_t job_id, stk_attempt_fn each,
                               void *context, struct stk_error *err)
{
    return store->engine->attempts(store, job_id, each, context, err);
}

enum stk_rc stk_store_counts(struct stk_store *store, int64_t sweep_id, struct stk_counts *ret,
                             struct stk_error *err)
{
    return store->engine->counts(store, sweep_id, ret, err);
}

enum stk_rc stk_store_counts_by_task(struct stk_store *store, stk_task_counts_fn each,
                                     void *context, struct stk_error *err)
{
    return store->engine->counts_by_task(store, each, context, err);
}

/* --- pools and events ---------------------------------------------------- */

enum stk_rc stk_store_pool_start(struct stk_store *store, const char *host, int64_t pid,
                                 uint32_t workers, stk_time_ns now, int64_t *ret_id,
                                 struct stk_error *err)
{
    assert(host != NULL);
    return store->engine->pool_start(store, host, pid, workers, now, ret_id, err);
}

enum stk_rc stk_store_pool_beat(struct stk_store *store, int64_t id,
                                const struct stk_pool_said *said, stk_time_ns now,
                                struct stk_error *err)
{
    assert(said->state <= STK_POOL_STOPPING);
    return store->engine->pool_beat(store, id, said, now, err);
}

enum stk_rc stk_store_pool_stop(struct stk_store *store, int64_t id, stk_time_ns now,
                                struct stk_error *err)
{
    return store->engine->pool_stop(store, id, now, err);
}

enum stk_rc stk_store_pools(struct stk_store *store, size_t limit, stk_pool_fn each, void *context,
                            struct stk_error *err)
{
    return store->engine->pools(store, limit, each, context, err);
}

enum stk_rc stk_store_event(struct stk_store *store, enum stk_event_kind kind,
                            const struct stk_event *event, stk_time_ns now, struct stk_error *err)
{
    assert(event->text != NULL);
    return store->engine->event(store, kind, event, now, err);
}

enum stk_rc stk_store_events(struct stk_store *store, int64_t after_id, int64_t job_id,
                             size_t limit, stk_event_fn each, void *context, struct stk_error *err)
{
    return store->engine->events(store, after_id, job_id, limit, each, context, err);
}

/* --- sessions and limits ------------------------------------------------- */

enum stk_rc stk_store_sessions(struct stk_store *store, const struct stk_session **ret,
                               size_t *ret_count, struct stk_error *err)
{
    return store->engine->sessions(store, ret, ret_count, err);
}

enum stk_rc stk_store_session_set(struct stk_store *store, const struct stk_session *session,
                                  struct stk_error *err)
{
    return store->engine->session_set(store, session, err);
}

enum stk_rc stk_store_session_secret(struct stk_store *store, const char *name,
                                     enum stk_session_secret which, struct stk_buf *ret_sealed,
                                     int64_t *ret_generation, struct stk_error *err)
{
    return store->engine->session_secret(store, name, which, ret_sealed, ret_generation, err);
}

enum stk_rc stk_store_session_secret_set(struct stk_store *store, const char *name,
                                         enum stk_session_secret which, const void *sealed,
                                         size_t len, struct stk_error *err)
{
    assert(sealed != NULL || len == 0);
    return store->engine->session_secret_set(store, name, which, sealed, len, err);
}

enum stk_rc stk_store_limits(struct stk_store *store, const struct stk_limit **ret,
                             size_t *ret_count, struct stk_error *err)
{
    return store->engine->limits(store, ret, ret_count, err);
}

enum stk_rc stk_store_limit_set(struct stk_store *store, const struct stk_limit *limit,
                                struct stk_error *err)
{
    return store->engine->limit_set(store, limit, err);
}

enum stk_rc stk_store_task_run_time(struct stk_store *store, const char *task,
                                    stk_time_ns *ret_mean, struct stk_error *err)
{
    return store->engine->task_run_time(store, task, ret_mean, err);
}

/* --- health -------------------------------------------------------------- */

enum stk_rc stk_store_tend(struct stk_store *store, bool idle, struct stk_error *err)
{
    return store->engine->tend(store, idle, err);
}

const char *stk_store_news(struct stk_store *store)
{
    return store->engine->news(store);
}

enum stk_rc stk_store_doctor(struct stk_store *store, bool deep, stk_finding_fn each, void *context,
                             struct stk_error *err)
{
    return store->engine->doctor(store, deep, each, context, err);
}
