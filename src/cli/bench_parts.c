/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/cli.h"

char *stk_bench_url(const struct stk_bench *bench, const char *name)
{
    return stk_format("sqlite:%s/%s.db", bench->dir, name);
}

enum stk_rc stk_bench_open(const char *url, struct stk_store **ret, struct stk_error *err)
{
    const struct stk_store_options options = { .command = "stoker bench" };
    return stk_store_open(url, &options, ret, err);
}

/* --- jobs ---------------------------------------------------------------- */

static enum stk_rc find_none(const char *url, struct stk_store *store, struct stk_error *err)
{
    struct stk_counts counts = { 0 };
    enum stk_rc rc = stk_store_counts(store, 0, &counts, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        if (counts.of[i] == 0) continue;
        return stk_fail(err, STK_CONFLICT,
                        "%s holds jobs: a benchmark needs a database of its own (createdb)", url);
    }
    return STK_OK;
}

enum stk_rc stk_bench_must_be_empty(const char *url, struct stk_error *err)
{
    STK_CLEANUP(stk_store_closep) struct stk_store *store = NULL;
    enum stk_rc rc = stk_bench_open(url, &store, err);
    return rc == STK_OK ? find_none(url, store, err) : rc;
}

enum stk_rc stk_bench_add_jobs(const struct stk_bench *bench, struct stk_store *store, size_t count,
                               struct stk_error *err)
{
    const struct stk_task *task = &bench->settings->tasks[0];
    static const char params[] = "{\"a\":1,\"b\":2}";
    struct stk_new_job jobs[STK_STORE_CHUNK];
    struct stk_submitted submitted[STK_STORE_CHUNK];
    int64_t task_id = 0;

    enum stk_rc rc = stk_store_task(store, task->name, task->queue, &task_id, err);
    if (rc != STK_OK) return rc;
    assert(count <= STK_STORE_CHUNK);
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct stk_new_job){
            .task_id = task_id,
            .params = params,
            .params_len = sizeof(params) - 1,
        };
    }
    return stk_store_submit(store, jobs, count, stk_store_now(store), submitted, err);
}

enum stk_rc stk_bench_fill(const struct stk_bench *bench, struct stk_store *store, int64_t jobs,
                           struct stk_error *err)
{
    for (int64_t left = jobs; left > 0; left -= STK_STORE_CHUNK) {
        size_t count = left < STK_STORE_CHUNK ? (size_t)left : STK_STORE_CHUNK;
        enum stk_rc rc = stk_store_begin(store, err);
        if (rc == STK_OK) rc = stk_bench_add_jobs(bench, store, count, err);
        if (rc == STK_OK) rc = stk_store_commit(store, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

struct tally {
    bool with_result;
    int64_t seen, right, last_id;
};

static void look_at(void *context, const struct stk_job *job)
{
    struct tally *tally = context;
    bool has_result = job->result != NULL || !tally->with_result;
    tally->seen++;
    tally->last_id = job->id;
    tally->right += job->state == STK_STATE_COMPLETED && job->attempt == 1 && has_result;
}

enum stk_rc stk_bench_check(const struct stk_bench *bench, int64_t jobs, bool with_result,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_store_closep) struct stk_store *store = NULL;
    enum stk_rc rc = stk_bench_open(bench->settings->store, &store, err);
    if (rc != STK_OK) return rc;

    struct tally tally = { .with_result = with_result };
    for (int64_t before = -1; tally.seen != before;) {
        before = tally.seen;
        const struct stk_job_filter filter = {
            .state = -1, .ascending = true, .after_id = tally.last_id, .limit = STK_PAGE_MAX
        };
        rc = stk_store_jobs(store, &filter, look_at, &tally, err);
        if (rc != STK_OK) return rc;
    }
    if (tally.right == jobs && tally.seen == jobs) return STK_OK;
    return stk_fail(err, STK_INTERNAL,
                    "only %" PRId64 " of %" PRId64 " jobs were completed once, with their result",
                    tally.right, jobs);
}

/* --- times --------------------------------------------------------------- */

static int compare_times(const void *a, const void *b)
{
    stk_time_ns left = *(const stk_time_ns *)a;
    stk_time_ns right = *(const stk_time_ns *)b;
    return left < right ? -1 : left > right;
}

stk_time_ns stk_bench_percentile(stk_time_ns *times, size_t count, unsigned p)
{
    qsort(times, count, sizeof(*times), compare_times);
    return times[(count - 1) * p / 100];
}

void stk_bench_add_int(struct stk_bench *bench, const char *name, int64_t value)
{
    (void)json_object_set_new(bench->answer, name, json_integer(value));
}

/* Three digits behind the point: more would claim to be known. */
void stk_bench_add_real(struct stk_bench *bench, const char *name, double value)
{
    (void)json_object_set_new(bench->answer, name,
                              json_real((double)(int64_t)(value * 1000 + 0.5) / 1000));
}

void stk_bench_add_us(struct stk_bench *bench, const char *name, stk_time_ns time)
{
    stk_bench_add_int(bench, name, time / STK_US);
}

void stk_bench_add_rate(struct stk_bench *bench, const char *name, int64_t count,
                        stk_time_ns took_ns)
{
    double seconds = (double)took_ns / (double)STK_SECOND;
    stk_bench_add_real(bench, name, (double)count / seconds);
}

/* --- commits ------------------------------------------------------------- */

static enum stk_rc commit_one(struct stk_store *store, int64_t pool_id, struct stk_error *err)
{
    const struct stk_pool_said said = { .state = STK_POOL_RUNNING };
    enum stk_rc rc = stk_store_begin(store, err);
    if (rc == STK_OK) rc = stk_store_pool_beat(store, pool_id, &said, stk_store_now(store), err);
    return rc == STK_OK ? stk_store_commit(store, err) : rc;
}

static enum stk_rc make_row(struct stk_store *store, int64_t *ret_pool_id, struct stk_error *err)
{
    enum stk_rc rc = stk_store_begin(store, err);
    if (rc != STK_OK) return rc;
    rc = stk_store_pool_start(store, "bench", getpid(), 1, stk_store_now(store), ret_pool_id, err);
    return rc == STK_OK ? stk_store_commit(store, err) : rc;
}

enum stk_rc stk_bench_commits(struct stk_store *store, stk_time_ns pause_ns, stk_time_ns *ret_times,
                              size_t count, struct stk_error *err)
{
    int64_t pool_id = 0;
    enum stk_rc rc = make_row(store, &pool_id, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        stk_clock_pause(pause_ns);
        stk_time_ns start = stk_clock_mono();
        rc = commit_one(store, pool_id, err);
        ret_times[i] = stk_clock_mono() - start;
    }
    return rc;
}
