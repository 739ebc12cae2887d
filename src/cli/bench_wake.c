/* SPDX-License-Identifier: MIT
 *
 * From a renewal asked for to the start of the last job of all workers that
 * wait at the closed gate, in one pool or in several. The time holds the renewal's own durable
 * commit.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "pool/desk.h"

enum { ROUNDS_MAX = 1000 };
#define LIMIT_NS (30 * STK_SECOND)
#define LOOK_NS  (2 * STK_MS)

static enum stk_rc call(struct stk_bench *bench, struct stk_pool *pool, const char *method,
                        const char *path, json_t *body, json_t **ret, struct stk_error *err)
{
    const struct stk_api api = { .settings = bench->settings,
                                 .access = stk_pool_access(pool),
                                 .pool = pool };
    const struct stk_request request = {
        .method = method, .path = path, .body = body, .actor = "bench", .now = stk_clock_now()
    };
    return stk_api_call(&api, &request, ret, err);
}

static int64_t workers(const struct stk_bench *bench)
{
    return (int64_t)bench->pools * bench->workers;
}

static bool is_anybody_busy(const struct stk_bench *bench, struct stk_pool *const *pools)
{
    for (uint32_t i = 0; i < bench->pools; i++) {
        struct stk_pool_view view;
        stk_pool_view(pools[i], &view);
        if (view.busy > 0) return true;
    }
    return false;
}

static bool is_closed(const json_t *status, int64_t pending)
{
    const json_t *session = json_array_get(json_object_get(status, "sessions"), 0);
    const json_t *jobs = json_object_get(status, "jobs");
    const char *state = json_string_value(json_object_get(session, "state"));
    /* Not `open`: that is by our clock, and a pool may claim until the store's is there, too. */
    bool is_over =
        state != NULL && (strcmp(state, "none") == 0 || strcmp(state, "needs_human") == 0);
    return is_over && json_integer_value(json_object_get(jobs, "running")) == 0 &&
           json_integer_value(json_object_get(jobs, "pending")) == pending;
}

/* Until the session is over and everybody sleeps, with so many jobs waiting. */
static enum stk_rc wait_closed(struct stk_bench *bench, struct stk_pool **pools, int64_t pending,
                               struct stk_error *err)
{
    stk_time_ns end = stk_clock_mono() + LIMIT_NS;
    for (;;) {
        STK_CLEANUP(stk_json_freep) json_t *status = NULL;
        enum stk_rc rc = call(bench, pools[0], "GET", "/status", NULL, &status, err);
        if (rc != STK_OK) return rc;
        if (is_closed(status, pending) && !is_anybody_busy(bench, pools)) return STK_OK;
        if (stk_clock_mono() > end) {
            return stk_fail(err, STK_TIMEOUT, "the pool did not come to rest within 30 s");
        }
        stk_clock_pause(LOOK_NS);
    }
}

static enum stk_rc submit(struct stk_bench *bench, struct stk_pool *pool, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = STK_BUF_INIT;
    for (int64_t i = 0; i < workers(bench); i++) {
        stk_buf_addf(&lines, "{\"a\": %lld, \"b\": 2}\n", (long long)i);
    }
    STK_CLEANUP(stk_json_freep)
    json_t *body = json_pack("{s:s, s:{s:s, s:s}}", "task", "bench", "file", "name", "wake", "text",
                             stk_buf_str(&lines));
    return call(bench, pool, "POST", "/jobs", body, &answer, err);
}

/* One after another is done, so the newest start is that of the last worker. */
static enum stk_rc wake_once(struct stk_bench *bench, struct stk_pool **pools, int64_t done_before,
                             stk_time_ns *ret_last, stk_time_ns *ret_answered,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = wait_closed(bench, pools, 0, err);
    if (rc == STK_OK) rc = submit(bench, pools[0], err);
    if (rc == STK_OK) rc = wait_closed(bench, pools, workers(bench), err);
    if (rc != STK_OK) return rc;

    stk_time_ns sent = stk_clock_mono();
    rc = call(bench, pools[0], "POST", "/sessions/duty/renew", NULL, &answer, err);
    *ret_answered = stk_clock_mono() - sent;
    for (stk_time_ns end = sent + LIMIT_NS; rc == STK_OK;) {
        STK_CLEANUP(stk_json_freep) json_t *status = NULL;
        stk_clock_pause(LOOK_NS);
        rc = call(bench, pools[0], "GET", "/status", NULL, &status, err);
        const json_t *jobs = json_object_get(status, "jobs");
        int64_t done = json_integer_value(json_object_get(jobs, "completed"));
        if (rc != STK_OK || done == done_before + workers(bench)) break;
        if (stk_clock_mono() > end) {
            rc = stk_fail(err, STK_TIMEOUT, "the workers did not all go on within 30 s");
        }
    }
    *ret_last = atomic_load(&stk_noop_last_start) - sent;
    return rc;
}

static void add_answer(struct stk_bench *bench, stk_time_ns *last, stk_time_ns *answered,
                       size_t count)
{
    stk_bench_add_us(bench, "renewed_p50_us", stk_bench_percentile(answered, count, 50));
    stk_bench_add_us(bench, "last_p50_us", stk_bench_percentile(last, count, 50));
    stk_bench_add_us(bench, "last_p99_us", stk_bench_percentile(last, count, 99));
    stk_bench_add_us(bench, "last_max_us", stk_bench_percentile(last, count, 100));
}

enum stk_rc stk_bench_wake(struct stk_bench *bench, struct stk_error *err)
{
    size_t rounds = bench->jobs < ROUNDS_MAX ? (size_t)bench->jobs : ROUNDS_MAX;
    const struct stk_pool_options options = { .settings = bench->settings,
                                              .command = "stoker bench",
                                              .workers = bench->workers };
    stk_time_ns *last = stk_alloc(rounds * sizeof(*last));
    stk_time_ns *answered = stk_alloc(rounds * sizeof(*answered));
    struct stk_pool **pools = NULL;
    bench->settings->tasks[0].session = &bench->settings->sessions[0];
    enum stk_rc rc = stk_bench_pools_start(bench, &options, &pools, err);
    for (size_t i = 0; rc == STK_OK && i < rounds; i++) {
        rc = wake_once(bench, pools, (int64_t)i * workers(bench), &last[i], &answered[i], err);
    }
    stk_bench_pools_free(bench, pools);
    if (rc == STK_OK) add_answer(bench, last, answered, rounds);
    free(last);
    free(answered);
    if (rc != STK_OK) return rc;
    return stk_bench_check(bench, (int64_t)rounds * workers(bench), true, err);
}
