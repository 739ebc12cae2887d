/* SPDX-License-Identifier: MIT
 *
 * Benchmarks under load: clients that submit all at once, and a pool that
 * always has more to do, watched for a while.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "store/hints.h"

/* --- submit -------------------------------------------------------------- */

/* One connection, one job a transaction. */
struct submitter {
    const struct stk_bench *bench;
    struct stk_listener *listener;
    struct stk_store *store;
    pthread_t thread;
    int64_t jobs;
    enum stk_rc rc;
    struct stk_error error;
};

static enum stk_rc submit_one(struct submitter *self)
{
    enum stk_rc rc = stk_store_begin(self->store, &self->error);
    if (rc == STK_OK) rc = stk_bench_add_jobs(self->bench, self->store, 1, &self->error);
    if (rc == STK_OK) rc = stk_store_commit(self->store, &self->error);
    if (rc == STK_OK) stk_listener_tell(self->listener, stk_store_hints(self->store));
    return rc;
}

static void *submitter_main(void *context)
{
    struct submitter *self = context;
    for (int64_t i = 0; self->rc == STK_OK && i < self->jobs; i++) {
        self->rc = submit_one(self);
    }
    return NULL;
}

static enum stk_rc open_all(const struct stk_bench *bench, struct submitter *submitters,
                            struct stk_listener *listener, struct stk_error *err)
{
    int64_t each = (bench->jobs + bench->workers - 1) / bench->workers;
    enum stk_rc rc = STK_OK;
    for (uint32_t i = 0; rc == STK_OK && i < bench->workers; i++) {
        submitters[i] = (struct submitter){ .bench = bench, .listener = listener, .jobs = each };
        rc = stk_bench_open(bench->settings->store, &submitters[i].store, err);
        /* The first makes the row of the task, which all others would wait for. */
        if (rc == STK_OK && i == 0) rc = stk_bench_fill(bench, submitters[i].store, 1, err);
    }
    return rc;
}

static enum stk_rc run_all(struct submitter *submitters, uint32_t count, struct stk_error *err)
{
    uint32_t started = 0;
    enum stk_rc rc = STK_OK;
    while (started < count) {
        struct submitter *self = &submitters[started];
        if (pthread_create(&self->thread, NULL, submitter_main, self) != 0) break;
        started++;
    }
    for (uint32_t i = 0; i < started; i++) {
        (void)pthread_join(submitters[i].thread, NULL);
        if (rc == STK_OK && submitters[i].rc != STK_OK) {
            rc = stk_fail(err, submitters[i].rc, "%s", submitters[i].error.text);
        }
    }
    if (rc == STK_OK && started < count) return stk_fail(err, STK_FULL, "too many threads");
    return rc;
}

static enum stk_rc measure_submits(struct stk_bench *bench, struct submitter *submitters,
                                   struct stk_error *err)
{
    stk_time_ns start = stk_clock_mono();
    enum stk_rc rc = run_all(submitters, bench->workers, err);
    stk_time_ns took_ns = stk_clock_mono() - start;
    struct stk_counts counts = { 0 };
    if (rc == STK_OK) rc = stk_store_counts(submitters[0].store, 0, &counts, err);
    if (rc != STK_OK) return rc;

    int64_t made = bench->workers * submitters[0].jobs;
    if (counts.of[STK_STATE_PENDING] != made + 1) {
        return stk_fail(err, STK_INTERNAL, "%lld of %lld jobs are in the store",
                        (long long)counts.of[STK_STATE_PENDING], (long long)made + 1);
    }
    stk_bench_add_rate(bench, "submits_per_s", made, took_ns);
    return STK_OK;
}

/* Who waits for jobs on this machine; here nobody takes them. */
static void heard(void *context, unsigned hints)
{
    (void)context, (void)hints;
}

enum stk_rc stk_bench_submit(struct stk_bench *bench, struct stk_error *err)
{
    if (bench->store == NULL) {
        return stk_fail(err, STK_INVALID,
                        "submit measures clients of a PostgreSQL database: name it with --store");
    }
    struct stk_listener *listener = NULL;
    enum stk_rc rc = bench->silent
                         ? STK_OK
                         : stk_store_listen(bench->settings->store, heard, NULL, &listener, err);
    if (rc != STK_OK) return rc;
    struct submitter *submitters = stk_alloc(bench->workers * sizeof(*submitters));
    rc = open_all(bench, submitters, listener, err);
    if (rc == STK_OK) rc = measure_submits(bench, submitters, err);
    for (uint32_t i = 0; i < bench->workers; i++) {
        stk_store_close(submitters[i].store);
    }
    stk_listener_close(listener);
    free(submitters);
    return rc;
}

/* --- steady -------------------------------------------------------------- */

enum { PARTS = 5 };
#define LOOK_NS  (20 * STK_MS)
#define DRAIN_NS (600 * STK_SECOND)

/* The jobs of a run: made by the main thread, done by the pools. */
struct steady {
    const struct stk_bench *bench;
    struct stk_access access; /* of a pool: whoever owns the store writes */
    int64_t made, completed;
};

static enum stk_rc add_chunk(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    (void)now;
    return stk_bench_add_jobs(arg, store, STK_STORE_CHUNK, err);
}

static enum stk_rc read_counts(struct stk_store *store, void *arg, struct stk_error *err)
{
    return stk_store_counts(store, 0, arg, err);
}

/* Reads how many are completed; then, as far as wanted, makes new ones. */
static enum stk_rc follow(struct steady *steady, int64_t pending, struct stk_error *err)
{
    struct stk_counts counts = { 0 };
    enum stk_rc rc = stk_read(&steady->access, read_counts, &counts, err);
    if (rc != STK_OK) return rc;
    steady->completed = counts.of[STK_STATE_COMPLETED];
    int64_t there = counts.of[STK_STATE_PENDING];
    for (; rc == STK_OK && there < pending; there += STK_STORE_CHUNK) {
        struct stk_bench bench = *steady->bench;
        rc = stk_write(&steady->access, add_chunk, &bench, err);
        steady->made += STK_STORE_CHUNK;
    }
    return rc;
}

static enum stk_rc measure_part(struct stk_bench *bench, struct steady *steady, double *ret_per_s,
                                struct stk_error *err)
{
    enum stk_rc rc = follow(steady, bench->jobs, err);
    stk_time_ns start = stk_clock_mono();
    stk_time_ns took_ns = 0;
    int64_t before = steady->completed;
    while (rc == STK_OK && took_ns < bench->span_ns / PARTS) {
        stk_clock_pause(LOOK_NS);
        rc = follow(steady, bench->jobs, err);
        took_ns = stk_clock_mono() - start;
    }
    if (rc != STK_OK) return rc;
    *ret_per_s = (double)(steady->completed - before) * (double)STK_SECOND / (double)took_ns;
    return STK_OK;
}

static enum stk_rc let_end(struct steady *steady, struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + DRAIN_NS;
    while (stk_clock_mono() < deadline) {
        enum stk_rc rc = follow(steady, 0, err);
        if (rc != STK_OK || steady->completed == steady->made) return rc;
        stk_clock_pause(LOOK_NS);
    }
    return stk_fail(err, STK_INTERNAL, "%lld of %lld jobs were completed",
                    (long long)steady->completed, (long long)steady->made);
}

static enum stk_rc measure_parts(struct stk_bench *bench, struct steady *steady,
                                 struct stk_error *err)
{
    double per_s[PARTS] = { 0 };
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < PARTS; i++) {
        rc = measure_part(bench, steady, &per_s[i], err);
    }
    if (rc == STK_OK) rc = let_end(steady, err);
    if (rc != STK_OK) return rc;
    stk_bench_add_int(bench, "completed", steady->completed);
    stk_bench_add_real(bench, "first_per_s", per_s[0]);
    stk_bench_add_real(bench, "last_per_s", per_s[PARTS - 1]);
    return STK_OK;
}

enum stk_rc stk_bench_steady(struct stk_bench *bench, struct stk_error *err)
{
    const struct stk_pool_options options = { .settings = bench->settings,
                                              .command = "stoker bench",
                                              .workers = bench->workers };
    struct stk_pool **pools = NULL;
    enum stk_rc rc = stk_bench_pools_start(bench, &options, &pools, err);
    if (rc == STK_OK) {
        struct steady steady = { .bench = bench, .access = stk_pool_access(pools[0]) };
        rc = measure_parts(bench, &steady, err);
    }
    stk_bench_pools_free(bench, pools);
    return rc;
}
