/* SPDX-License-Identifier: MIT
 *
 * From a submit sent over the socket (to a shared store: written by the client,
 * the pool told of it) to the start of its attempt, in an idle pool, beside one
 * durable commit of the same store. The two take turns, so
 * that a disk in a bad mood is one for both.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "client/client.h"
#include "pool/desk.h"
#include "server/server.h"

enum { TURNS = 5 };
#define PAUSE_NS (4 * STK_MS) /* the pool is idle again, its last outcome durable */
#define LIMIT_NS (10 * STK_SECOND)

/* One submit, sent when everybody is asleep. */
static enum stk_rc submit_one(struct stk_client *client, json_t *body, stk_time_ns *ret_started,
                              stk_time_ns *ret_answered, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_clock_pause(PAUSE_NS + stk_rand_below(1000) * STK_US);
    stk_time_ns sent = stk_clock_mono();
    enum stk_rc rc = stk_client_call(client, "POST", "/jobs", body, &answer, err);
    if (rc != STK_OK) return rc;
    *ret_answered = stk_clock_mono() - sent;

    while (atomic_load(&stk_noop_last_start) < sent) {
        if (stk_clock_mono() - sent > LIMIT_NS) {
            return stk_fail(err, STK_TIMEOUT, "a submitted job did not start within 10 s");
        }
        stk_clock_pause(20 * STK_US);
    }
    *ret_started = atomic_load(&stk_noop_last_start) - sent;
    return STK_OK;
}

static enum stk_rc submit_many(struct stk_bench *bench, stk_time_ns *started, stk_time_ns *answered,
                               size_t count, struct stk_error *err)
{
    STK_CLEANUP(stk_client_closep) struct stk_client *client = NULL;
    STK_CLEANUP(stk_json_freep)
    json_t *body = json_pack("{s:s, s:{s:i, s:i}}", "task", "bench", "params", "a", 1, "b", 2);
    const struct stk_client_options options = { .settings = bench->settings,
                                                .command = "stoker bench",
                                                .must_exist = true };
    enum stk_rc rc = stk_client_open(&options, &client, err);
    if (rc != STK_OK) return rc;
    if (bench->store == NULL && !stk_client_is_remote(client)) {
        return stk_fail(err, STK_INTERNAL, "the pool does not answer on its socket");
    }
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        rc = submit_one(client, body, &started[i], &answered[i], err);
    }
    return rc;
}

static enum stk_rc with_server(struct stk_bench *bench, struct stk_pool *pool, stk_time_ns *started,
                               stk_time_ns *answered, size_t count, struct stk_error *err)
{
    const struct stk_api api = { .settings = bench->settings,
                                 .access = stk_pool_access(pool),
                                 .pool = pool };
    STK_CLEANUP(stk_freep) char *path = stk_store_socket_path(bench->settings->store);
    struct stk_server *server = NULL;
    enum stk_rc rc = stk_server_start(&api, path, &server, err);
    if (rc != STK_OK) return rc;
    rc = submit_many(bench, started, answered, count, err);
    stk_server_stop(server);
    return rc;
}

static enum stk_rc submits(struct stk_bench *bench, stk_time_ns *started, stk_time_ns *answered,
                           size_t count, struct stk_error *err)
{
    const struct stk_pool_options options = { .settings = bench->settings,
                                              .command = "stoker bench",
                                              .workers = bench->workers,
                                              .serves = bench->store == NULL };
    struct stk_pool *pool = NULL;
    enum stk_rc rc = stk_pool_start(&options, &pool, err);
    if (rc == STK_OK) {
        rc = bench->store != NULL ? submit_many(bench, started, answered, count, err)
                                  : with_server(bench, pool, started, answered, count, err);
    }
    stk_pool_free(pool);
    return rc;
}

static enum stk_rc commits(struct stk_bench *bench, stk_time_ns *times, size_t count,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_store_closep) struct stk_store *store = NULL;
    enum stk_rc rc = stk_bench_open(bench->settings->store, &store, err);
    return rc == STK_OK ? stk_bench_commits(store, PAUSE_NS, times, count, err) : rc;
}

struct latency {
    size_t count; /* of each */
    stk_time_ns *commit, *started, *answered;
};

static void release(struct latency *latency)
{
    free(latency->commit);
    free(latency->started);
    free(latency->answered);
}

static void add_answer(struct stk_bench *bench, const struct latency *latency)
{
    static const unsigned percentiles[] = { 50, 99 };
    for (size_t i = 0; i < STK_ARRAY_LEN(percentiles); i++) {
        unsigned p = percentiles[i];
        stk_time_ns commit = stk_bench_percentile(latency->commit, latency->count, p);
        stk_time_ns started = stk_bench_percentile(latency->started, latency->count, p);
        stk_time_ns answered = stk_bench_percentile(latency->answered, latency->count, p);
        STK_CLEANUP(stk_freep) char *commit_name = stk_format("commit_p%u_us", p);
        STK_CLEANUP(stk_freep) char *started_name = stk_format("started_p%u_us", p);
        STK_CLEANUP(stk_freep) char *answered_name = stk_format("answered_p%u_us", p);
        STK_CLEANUP(stk_freep) char *ratio_name = stk_format("ratio_p%u", p);
        stk_bench_add_us(bench, commit_name, commit);
        stk_bench_add_us(bench, started_name, started);
        stk_bench_add_us(bench, answered_name, answered);
        stk_bench_add_real(bench, ratio_name, (double)started / (double)commit);
    }
}

enum stk_rc stk_bench_latency(struct stk_bench *bench, struct stk_error *err)
{
    size_t each = (size_t)(bench->jobs + TURNS - 1) / TURNS;
    STK_CLEANUP(release)
    struct latency latency = {
        .count = each * TURNS,
        .commit = stk_alloc(each * TURNS * sizeof(stk_time_ns)),
        .started = stk_alloc(each * TURNS * sizeof(stk_time_ns)),
        .answered = stk_alloc(each * TURNS * sizeof(stk_time_ns)),
    };
    enum stk_rc rc = STK_OK;
    for (size_t at = 0; rc == STK_OK && at < latency.count; at += each) {
        rc = commits(bench, latency.commit + at, each, err);
        if (rc == STK_OK)
            rc = submits(bench, latency.started + at, latency.answered + at, each, err);
    }
    if (rc != STK_OK) return rc;
    add_answer(bench, &latency);
    return stk_bench_check(bench, (int64_t)latency.count, true, err);
}
