/* SPDX-License-Identifier: MIT
 *
 * Benchmarks of a whole pool in this process: noop and spawn drain jobs that
 * were there before the clock started, idle watches one that has nothing to do.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "pool/pool.h"
#include "server/server.h"

#define WAIT_NS (3600 * STK_SECOND)

static enum stk_rc fill_store(const struct stk_bench *bench, struct stk_error *err)
{
    STK_CLEANUP(stk_store_closep) struct stk_store *store = NULL;
    enum stk_rc rc = stk_bench_open(bench->settings->store, &store, err);
    return rc == STK_OK ? stk_bench_fill(bench, store, bench->jobs, err) : rc;
}

enum stk_rc stk_bench_pools_start(const struct stk_bench *bench,
                                  const struct stk_pool_options *options, struct stk_pool ***ret,
                                  struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    *ret = stk_alloc(bench->pools * sizeof(struct stk_pool *));
    for (uint32_t i = 0; rc == STK_OK && i < bench->pools; i++) {
        rc = stk_pool_start(options, &(*ret)[i], err);
    }
    return rc;
}

void stk_bench_pools_free(const struct stk_bench *bench, struct stk_pool **pools)
{
    for (uint32_t i = 0; pools != NULL && i < bench->pools; i++) {
        stk_pool_free(pools[i]);
    }
    free(pools);
}

/* From the start of the pool to the end of its last worker; opening and
 * closing the store stand inside. */
static enum stk_rc drain(const struct stk_bench *bench, struct stk_spawner *spawner,
                         stk_time_ns *ret_took_ns, struct stk_error *err)
{
    bool ended = true;
    const struct stk_pool_options options = { .settings = bench->settings,
                                              .spawner = spawner,
                                              .command = "stoker bench",
                                              .workers = bench->workers,
                                              .drain = true };
    struct stk_pool **pools = NULL;
    stk_time_ns start = stk_clock_mono();
    enum stk_rc rc = stk_bench_pools_start(bench, &options, &pools, err);
    for (uint32_t i = 0; rc == STK_OK && i < bench->pools; i++) {
        ended = stk_pool_wait(pools[i], WAIT_NS) && ended;
    }
    stk_time_ns took_ns = stk_clock_mono() - start;
    stk_bench_pools_free(bench, pools);

    if (rc != STK_OK) return rc;
    if (!ended) return stk_fail(err, STK_TIMEOUT, "the pool did not end within the hour");
    *ret_took_ns = took_ns;
    return STK_OK;
}

static double cpu_ms(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

static enum stk_rc measure_drain(struct stk_bench *bench, struct stk_spawner *spawner,
                                 bool with_result, struct stk_error *err)
{
    struct rusage before;
    struct rusage after;
    stk_time_ns took_ns = 0;
    enum stk_rc rc = fill_store(bench, err);
    (void)getrusage(RUSAGE_SELF, &before);
    if (rc == STK_OK) rc = drain(bench, spawner, &took_ns, err);
    (void)getrusage(RUSAGE_SELF, &after);
    if (rc == STK_OK) rc = stk_bench_check(bench, bench->jobs, with_result, err);
    if (rc != STK_OK) return rc;
    stk_bench_add_rate(bench, "jobs_per_s", bench->jobs, took_ns);
    stk_bench_add_real(bench, "cpu_us_per_job",
                       (cpu_ms(&after) - cpu_ms(&before)) * 1e3 / (double)bench->jobs);
    return STK_OK;
}

enum stk_rc stk_bench_noop(struct stk_bench *bench, struct stk_error *err)
{
    return measure_drain(bench, NULL, true, err);
}

enum stk_rc stk_bench_spawn(struct stk_bench *bench, struct stk_error *err)
{
    struct stk_spawner *spawner = NULL;
    enum stk_rc rc = stk_spawner_start(true, &spawner, err);
    if (rc != STK_OK) return rc;
    (void)json_object_set_new(bench->answer, "containment",
                              json_string(stk_spawner_containment(spawner)));
    rc = measure_drain(bench, spawner, false, err);
    stk_spawner_stop(spawner);
    return rc;
}

/* --- idle ---------------------------------------------------------------- */

/* The number behind `name` in a file of /proc, in KiB there; 0 when it is not
 * to be had. */
static double read_mib(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    char line[256];
    double mib = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) != 0) continue;
        mib = (double)strtoll(line + strlen(name), NULL, 10) / 1024;
        break;
    }
    (void)fclose(file);
    return mib;
}

/* prefix: "fresh", "after". */
static void watch(struct stk_bench *bench, const char *prefix)
{
    struct rusage before;
    struct rusage after;
    stk_clock_pause(STK_SECOND); /* what was begun may end */
    (void)getrusage(RUSAGE_SELF, &before);
    stk_clock_pause(bench->span_ns);
    (void)getrusage(RUSAGE_SELF, &after);

    double seconds = (double)bench->span_ns / (double)STK_SECOND;
    const struct {
        const char *name;
        double value;
    } rows[] = {
        { "rss_mib", read_mib("/proc/self/status", "VmRSS:") },
        { "pss_mib", read_mib("/proc/self/smaps_rollup", "Pss:") },
        { "cpu_percent", (cpu_ms(&after) - cpu_ms(&before)) / 10 / seconds },
        { "switches_per_s", (double)(after.ru_nvcsw - before.ru_nvcsw) / seconds },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        STK_CLEANUP(stk_freep) char *name = stk_format("%s_%s", prefix, rows[i].name);
        stk_bench_add_real(bench, name, rows[i].value);
    }
}

struct fill {
    const struct stk_bench *bench;
    int64_t task_id;
    size_t count;
};

/* A chunk of jobs through the pool's own desk. */
static enum stk_rc submit_chunk(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    static const char params[] = "{\"a\":1,\"b\":2}";
    const struct fill *fill = arg;
    const struct stk_task *task = &fill->bench->settings->tasks[0];
    int64_t task_id = 0;
    enum stk_rc rc = stk_store_task(store, task->name, task->queue, &task_id, err);
    for (size_t i = 0; rc == STK_OK && i < fill->count; i++) {
        const struct stk_new_job job = { .task_id = task_id,
                                         .params = params,
                                         .params_len = sizeof(params) - 1 };
        struct stk_submitted submitted;
        rc = stk_store_submit(store, &job, 1, now, &submitted, err);
    }
    return rc;
}

static enum stk_rc read_counts(struct stk_store *store, void *arg, struct stk_error *err)
{
    return stk_store_counts(store, 0, arg, err);
}

static enum stk_rc work(struct stk_bench *bench, struct stk_pool *pool, struct stk_error *err)
{
    struct stk_access access = stk_pool_access(pool);
    for (int64_t left = bench->jobs; left > 0; left -= STK_STORE_CHUNK) {
        struct fill fill = { .bench = bench,
                             .count = left < STK_STORE_CHUNK ? (size_t)left : STK_STORE_CHUNK };
        enum stk_rc rc = stk_write(&access, submit_chunk, &fill, err);
        if (rc != STK_OK) return rc;
    }
    struct stk_counts counts = { 0 };
    while (counts.of[STK_STATE_COMPLETED] < bench->jobs) {
        stk_clock_pause(50 * STK_MS);
        enum stk_rc rc = stk_read(&access, read_counts, &counts, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc serve_and_watch(struct stk_bench *bench, struct stk_pool *pool,
                                   struct stk_error *err)
{
    const struct stk_api api = { .settings = bench->settings,
                                 .access = stk_pool_access(pool),
                                 .pool = pool };
    STK_CLEANUP(stk_freep) char *path = stk_store_socket_path(bench->settings->store);
    struct stk_server *server = NULL;
    enum stk_rc rc = stk_server_start(&api, path, &server, err);
    if (rc != STK_OK) return rc;

    watch(bench, "fresh");
    bench->settings->tasks[0].executor = STK_EXECUTOR_NOOP;
    rc = work(bench, pool, err);
    if (rc == STK_OK) watch(bench, "after");
    stk_server_stop(server);
    return rc;
}

/* All that `stoker up` has: spawner, consoles, server. */
enum stk_rc stk_bench_idle(struct stk_bench *bench, struct stk_error *err)
{
    struct stk_spawner *spawner = NULL;
    enum stk_rc rc = stk_spawner_start(true, &spawner, err);
    if (rc != STK_OK) return rc;

    const struct stk_pool_options options = { .settings = bench->settings,
                                              .spawner = spawner,
                                              .command = "stoker bench",
                                              .workers = bench->workers,
                                              .serves = true,
                                              .consoles = true };
    struct stk_pool *pool = NULL;
    rc = stk_pool_start(&options, &pool, err);
    if (rc == STK_OK) rc = serve_and_watch(bench, pool, err);
    stk_pool_free(pool);
    stk_spawner_stop(spawner);
    return rc;
}
