/* SPDX-License-Identifier: MIT */
#include "api/pools.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/show.h"
#include "base/alloc.h"
#include "base/timetext.h"

/* Bounds one look; jobs that run elsewhere are running and hold no worker. */
enum { RUNNING_PAGES_MAX = 20 };

/* --- reading --------------------------------------------------------------- */

struct reading {
    struct stk_pools *pools;
    stk_time_ns now;
    int64_t last_id; /* of the page */
    size_t in_page;
};

static void add_reason(struct stk_pool_seen *seen, const char *said, stk_time_ns now)
{
    char since[STK_DURATION_TEXT];
    stk_duration_text(now - seen->row.beat_at, since);
    if (seen->state == STK_POOL_SILENT || seen->state == STK_POOL_LOST) {
        (void)snprintf(seen->reason, sizeof(seen->reason), "not heard of for %s: %s", since,
                       seen->state == STK_POOL_LOST ? "another pool gives its jobs back"
                                                    : "it is stuck, or cannot reach the database");
        return;
    }
    if (said != NULL) (void)snprintf(seen->reason, sizeof(seen->reason), "%s", said);
}

static bool takes_jobs(const struct stk_pool_seen *seen)
{
    return seen->is_alive && seen->row.said.state != STK_POOL_STOPPING;
}

static void take_pool(void *context, const struct stk_pool_row *row)
{
    struct reading *reading = context;
    struct stk_pools *pools = reading->pools;
    if (row->stopped_at != STK_NEVER) return;

    pools->rows = stk_realloc(pools->rows, pools->count + 1, sizeof(*pools->rows));
    struct stk_pool_seen *seen = &pools->rows[pools->count++];
    *seen = (struct stk_pool_seen){ .row = *row };
    seen->row.host = seen->row.ended = seen->row.said.reason = NULL;
    seen->state =
        stk_pool_state_seen(row->said.state, row->beat_at, row->lease_until, reading->now);
    seen->is_alive = seen->state != STK_POOL_LOST;
    (void)snprintf(seen->host, sizeof(seen->host), "%s", row->host != NULL ? row->host : "");
    add_reason(seen, row->said.reason, reading->now);
    if (!seen->is_alive) return;
    pools->alive++;
    pools->per_s += row->said.per_s;
    if (takes_jobs(seen)) pools->workers += row->workers;
}

static int by_id(const void *a, const void *b)
{
    int64_t left = ((const struct stk_pool_seen *)a)->row.id;
    int64_t right = ((const struct stk_pool_seen *)b)->row.id;
    return (left > right) - (left < right);
}

static void take_running(void *context, const struct stk_job *job)
{
    struct reading *reading = context;
    struct stk_pools *pools = reading->pools;
    reading->last_id = job->id;
    reading->in_page++;
    if (job->worker == 0) return;

    size_t at = pools->running_count++;
    pools->running = stk_realloc(pools->running, at + 1, sizeof(*pools->running));
    pools->running[at] = (struct stk_running_seen){
        .pool_id = job->pool_id,
        .job_id = job->id,
        .worker = job->worker,
        .attempt = job->attempt,
        .since = job->started_at,
        .task = stk_strdup(job->task),
    };
    for (size_t i = 0; i < pools->count; i++) {
        if (pools->rows[i].row.id != job->pool_id) continue;
        pools->rows[i].busy++;
        if (takes_jobs(&pools->rows[i])) pools->busy++;
    }
}

static enum stk_rc read_running(struct stk_store *store, struct reading *reading,
                                struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    reading->in_page = STK_PAGE_MAX;
    for (int page = 0; page < RUNNING_PAGES_MAX && reading->in_page == STK_PAGE_MAX; page++) {
        const struct stk_job_filter filter = { .state = STK_STATE_RUNNING,
                                               .ascending = true,
                                               .after_id = reading->last_id,
                                               .limit = STK_PAGE_MAX };
        reading->in_page = 0;
        rc = stk_store_jobs(store, &filter, take_running, reading, err);
        if (rc != STK_OK) return rc;
    }
    return rc;
}

enum stk_rc stk_pools_read(struct stk_store *store, stk_time_ns now, struct stk_pools *ret,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_pools_release) struct stk_pools pools = STK_POOLS_INIT;
    struct reading reading = { .pools = &pools, .now = now };

    enum stk_rc rc = stk_store_pools(store, STK_PAGE_MAX, take_pool, &reading, err);
    if (rc != STK_OK) return rc;
    if (pools.count > 0) qsort(pools.rows, pools.count, sizeof(*pools.rows), by_id);
    rc = pools.count > 0 ? read_running(store, &reading, err) : STK_OK;
    if (rc != STK_OK) return rc;

    *ret = pools;
    pools = (struct stk_pools)STK_POOLS_INIT;
    return STK_OK;
}

void stk_pools_release(struct stk_pools *pools)
{
    for (size_t i = 0; i < pools->running_count; i++) {
        free(pools->running[i].task);
    }
    free(pools->running);
    free(pools->rows);
    *pools = (struct stk_pools)STK_POOLS_INIT;
}

const struct stk_pool_seen *stk_pools_find(const struct stk_pools *pools, int64_t pool_id)
{
    for (size_t i = 0; i < pools->count; i++) {
        if (pools->rows[i].row.id == pool_id) return &pools->rows[i];
    }
    return NULL;
}

bool stk_pools_lack_key(const struct stk_pools *pools, const char *session)
{
    char keyless[sizeof(pools->rows[0].reason)];
    stk_pool_keyless_text(session, keyless, sizeof(keyless));
    for (size_t i = 0; i < pools->count; i++) {
        const struct stk_pool_seen *seen = &pools->rows[i];
        if (seen->is_alive && strcmp(seen->reason, keyless) != 0) return false;
    }
    return pools->alive > 0;
}

bool stk_pools_are_rows(const struct stk_api *api)
{
    return api->pool == NULL && stk_store_is_shared(api->settings->store);
}

enum stk_rc stk_pools_idle(const struct stk_api *api, struct stk_store *store, stk_time_ns now,
                           int64_t *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pools_release) struct stk_pools pools = STK_POOLS_INIT;
    struct stk_pool_view view = { .id = 0 };
    if (api->pool != NULL) stk_pool_view(api->pool, &view);
    if (!stk_pools_are_rows(api)) {
        *ret = (int64_t)view.workers - view.busy;
        return STK_OK;
    }
    enum stk_rc rc = stk_pools_read(store, now, &pools, err);
    if (rc == STK_OK) *ret = (int64_t)pools.workers - pools.busy;
    return rc;
}

/* --- showing --------------------------------------------------------------- */

static json_t *show_pool(const struct stk_pool_seen *seen)
{
    static const char *const unknown[] = { "containment", "late_answers" };
    json_t *shown = json_object();
    stk_put(shown, "pool", stk_show_pool(seen->row.id));
    stk_put(shown, "host", json_string_nocheck(seen->host));
    stk_put(shown, "pid", json_integer(seen->row.pid));
    stk_put(shown, "workers", json_integer(seen->row.workers));
    stk_put(shown, "busy", json_integer(seen->busy));
    stk_put(shown, "state", json_string(stk_pool_state_name(seen->state)));
    stk_put(shown, "reason", stk_show_text(seen->reason[0] != '\0' ? seen->reason : NULL));
    stk_put(shown, "started_at", stk_show_time(seen->row.started_at));
    stk_put(shown, "beat_at", stk_show_time(seen->row.beat_at));
    stk_put(shown, "per_s", seen->is_alive ? stk_show_per_s(seen->row.said.per_s) : json_null());
    for (size_t i = 0; i < STK_ARRAY_LEN(unknown); i++) {
        stk_put(shown, unknown[i], json_null());
    }
    return shown;
}

static json_t *show_worker(int64_t pool_id, uint32_t number, const struct stk_running_seen *job)
{
    STK_CLEANUP(stk_freep) char *name = stk_format("w%" PRIu32, number);
    json_t *shown = json_object();
    stk_put(shown, "pool", stk_show_pool(pool_id));
    stk_put(shown, "worker", json_string(name));
    stk_put(shown, "state", json_string(job != NULL ? "running" : "idle"));
    stk_put(shown, "job", stk_show_id(job != NULL ? job->job_id : 0));
    stk_put(shown, "task", stk_show_text(job != NULL ? job->task : NULL));
    stk_put(shown, "attempt", stk_show_id(job != NULL ? job->attempt : 0));
    stk_put(shown, "since", stk_show_time(job != NULL ? job->since : STK_NEVER));
    stk_put(shown, "completed", json_null());
    stk_put(shown, "failed", json_null());
    return shown;
}

static void show_workers(const struct stk_pools *pools, const struct stk_pool_seen *seen,
                         json_t *rows)
{
    const struct stk_running_seen *of[STK_WORKERS_MAX + 1] = { NULL };
    for (size_t i = 0; i < pools->running_count; i++) {
        const struct stk_running_seen *job = &pools->running[i];
        if (job->pool_id == seen->row.id && job->worker <= STK_WORKERS_MAX) of[job->worker] = job;
    }
    for (uint32_t worker = 1; worker <= seen->row.workers && worker <= STK_WORKERS_MAX; worker++) {
        (void)json_array_append_new(rows, show_worker(seen->row.id, worker, of[worker]));
    }
}

void stk_pools_show(const struct stk_pools *pools, json_t *ret_pools, json_t *ret_workers)
{
    for (size_t i = 0; i < pools->count; i++) {
        (void)json_array_append_new(ret_pools, show_pool(&pools->rows[i]));
        if (pools->rows[i].is_alive) show_workers(pools, &pools->rows[i], ret_workers);
    }
}
