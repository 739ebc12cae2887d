/* SPDX-License-Identifier: MIT
 *
 * Benchmarks of size: a sweep filled as `stoker sweep` does it, and what a
 * claim, `status` and `jobs` cost when ten million jobs wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "client/client.h"

/* --- sweep --------------------------------------------------------------- */

enum { SWEEP_INNER = 1000 };

enum stk_rc stk_bench_sweep(struct stk_bench *bench, struct stk_error *err)
{
    int64_t outer = (bench->jobs + SWEEP_INNER - 1) / SWEEP_INNER;
    STK_CLEANUP(stk_freep) char *range = stk_format("1:%lld", (long long)outer);
    STK_CLEANUP(stk_json_freep)
    json_t *body = json_pack("{s:s, s:[[s,s],[s,s]], s:I}", "task", "bench", "axes", "a", range,
                             "b", "1:1000", "points_max", (json_int_t)(outer * SWEEP_INNER));
    STK_CLEANUP(stk_client_closep) struct stk_client *client = NULL;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    const struct stk_client_options options = { .settings = bench->settings,
                                                .command = "stoker bench" };
    enum stk_rc rc = stk_client_open(&options, &client, err);
    if (rc != STK_OK) return rc;

    stk_time_ns start = stk_clock_mono();
    rc = stk_client_call(client, "POST", "/sweeps", body, &answer, err);
    stk_time_ns took_ns = stk_clock_mono() - start;
    if (rc != STK_OK) return rc;
    int64_t made = json_integer_value(json_object_get(answer, "new"));
    if (made != outer * SWEEP_INNER) {
        return stk_fail(err, STK_INTERNAL, "the sweep made only %lld points", (long long)made);
    }
    stk_bench_add_int(bench, "points", made);
    stk_bench_add_rate(bench, "points_per_s", made, took_ns);
    return STK_OK;
}

/* --- scale: claims ------------------------------------------------------- */

enum { SMALL_JOBS = 10000, ROUND = 32, ROUNDS = 1000, COMMITS = 200, ASKS = 15 };

/* A store with many pending jobs, and its claims. */
struct side {
    struct stk_store *store;
    int64_t queue_id, pool_id;
    stk_time_ns times[ROUNDS]; /* of each claim of ROUND jobs */
};

static void close_side(struct side *side)
{
    stk_store_closep(&side->store);
}

static enum stk_rc open_side(const struct stk_bench *bench, const char *url, int64_t jobs,
                             struct side *side, struct stk_error *err)
{
    enum stk_rc rc = stk_bench_open(url, &side->store, err);
    if (rc == STK_OK) rc = stk_bench_fill(bench, side->store, jobs, err);
    if (rc == STK_OK) rc = stk_store_tend(side->store, true, err);
    if (rc == STK_OK) rc = stk_store_begin(side->store, err);
    if (rc != STK_OK) return rc;

    rc = stk_store_pool_start(side->store, "bench", 1, ROUND, stk_store_now(side->store),
                              &side->pool_id, err);
    if (rc == STK_OK) rc = stk_store_commit(side->store, err);
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    if (rc == STK_OK) rc = stk_store_queues(side->store, &queues, &count, err);
    if (rc == STK_OK) side->queue_id = queues[0].id;
    return rc;
}

static void ignore_claim(void *context, const struct stk_claim *claim)
{
    (void)context, (void)claim;
}

/* The commit is not in the time: it costs the same on both sides, and would
 * hide what the claim costs. As many as were claimed become pending again, so
 * that the small side stays what it is. */
static enum stk_rc claim_round(const struct stk_bench *bench, struct side *side, size_t round,
                               struct stk_error *err)
{
    uint32_t slots[ROUND];
    for (uint32_t i = 0; i < ROUND; i++) {
        slots[i] = i + 1;
    }
    size_t got = 0;
    enum stk_rc rc = stk_store_begin(side->store, err);
    if (rc != STK_OK) return rc;
    stk_time_ns start = stk_clock_mono();
    rc = stk_store_claim(side->store, side->queue_id, side->pool_id, slots, ROUND,
                         stk_store_now(side->store), ignore_claim, NULL, &got, err);
    side->times[round] = stk_clock_mono() - start;
    if (rc == STK_OK) rc = stk_bench_add_jobs(bench, side->store, ROUND, err);
    if (rc == STK_OK) rc = stk_store_commit(side->store, err);
    if (rc == STK_OK && got != ROUND)
        rc = stk_fail(err, STK_INTERNAL, "a claim found too few jobs");
    return rc;
}

static double us_each(stk_time_ns time)
{
    return (double)time / ROUND / (double)STK_US;
}

static void add_claims(struct stk_bench *bench, struct side *small, struct side *large)
{
    static const struct {
        unsigned p;
        const char *small, *large, *ratio;
    } rows[] = {
        { 50, "claim_us_small", "claim_us_large", "claim_ratio" },
        { 99, "claim_us_small_p99", "claim_us_large_p99", "claim_ratio_p99" },
    };
    stk_bench_add_int(bench, "small_jobs", SMALL_JOBS);
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        stk_time_ns of_small = stk_bench_percentile(small->times, ROUNDS, rows[i].p);
        stk_time_ns of_large = stk_bench_percentile(large->times, ROUNDS, rows[i].p);
        stk_bench_add_real(bench, rows[i].small, us_each(of_small));
        stk_bench_add_real(bench, rows[i].large, us_each(of_large));
        stk_bench_add_real(bench, rows[i].ratio, (double)of_large / (double)of_small);
    }
}

static enum stk_rc measure_claims(struct stk_bench *bench, struct side *small, struct side *large,
                                  struct stk_error *err)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        enum stk_rc rc = claim_round(bench, small, round, err);
        if (rc == STK_OK) rc = claim_round(bench, large, round, err);
        if (rc != STK_OK) return rc;
    }
    add_claims(bench, small, large);
    return STK_OK;
}

/* --- scale: questions ---------------------------------------------------- */

extern char **environ;

static const char *const questions[] = { "status", "jobs" };

/* A whole `stoker WORD`, from its start to its exit, nobody owning the store. */
static enum stk_rc ask(const char *url, const char *word, stk_time_ns *ret_took_ns,
                       struct stk_error *err)
{
    char program[] = "/proc/self/exe";
    STK_CLEANUP(stk_freep) char *store = stk_format("--store=%s", url);
    STK_CLEANUP(stk_freep) char *verb = stk_strdup(word);
    char json[] = "--json";
    char *argv[] = { program, verb, store, json, NULL };

    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int status = 0;
    stk_time_ns start = stk_clock_mono();
    int code = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (code != 0) return stk_fail(err, STK_UNAVAILABLE, "could not ask: %s", strerror(code));
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return stk_fail(err, STK_INTERNAL, "stoker %s failed", word);
    }
    *ret_took_ns = stk_clock_mono() - start;
    return STK_OK;
}

static void add_ask(struct stk_bench *bench, const char *word, const char *how, stk_time_ns *times,
                    stk_time_ns commit_ns)
{
    stk_time_ns took_ns = stk_bench_percentile(times, ASKS, 50);
    STK_CLEANUP(stk_freep) char *name = stk_format("%s_%s_us", word, how);
    STK_CLEANUP(stk_freep) char *commits = stk_format("%s_%s_commits", word, how);
    stk_bench_add_us(bench, name, took_ns);
    stk_bench_add_real(bench, commits, (double)took_ns / (double)commit_ns);
}

/* The answer alone, as a pool gives it. */
static enum stk_rc measure_calls(struct stk_bench *bench, struct stk_store *store,
                                 stk_time_ns commit_ns, struct stk_error *err)
{
    const struct stk_api api = { .settings = bench->settings, .access = stk_access_direct(store) };
    for (size_t i = 0; i < STK_ARRAY_LEN(questions); i++) {
        stk_time_ns times[ASKS];
        STK_CLEANUP(stk_freep) char *path = stk_format("/%s", questions[i]);
        for (size_t n = 0; n < ASKS; n++) {
            STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
            stk_time_ns start = stk_clock_mono();
            const struct stk_request request = { .method = "GET",
                                                 .path = path,
                                                 .now = stk_store_now(store) };
            enum stk_rc rc = stk_api_call(&api, &request, &answer, err);
            if (rc != STK_OK) return rc;
            times[n] = stk_clock_mono() - start;
        }
        add_ask(bench, questions[i], "call", times, commit_ns);
    }
    return STK_OK;
}

static enum stk_rc measure_commands(struct stk_bench *bench, const char *url, stk_time_ns commit_ns,
                                    struct stk_error *err)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(questions); i++) {
        stk_time_ns times[ASKS];
        for (size_t n = 0; n < ASKS; n++) {
            enum stk_rc rc = ask(url, questions[i], &times[n], err);
            if (rc != STK_OK) return rc;
        }
        add_ask(bench, questions[i], "command", times, commit_ns);
    }
    return STK_OK;
}

static enum stk_rc measure_commit(struct stk_bench *bench, struct stk_store *store,
                                  stk_time_ns *ret_commit_ns, struct stk_error *err)
{
    stk_time_ns times[COMMITS];
    enum stk_rc rc = stk_bench_commits(store, 0, times, COMMITS, err);
    if (rc != STK_OK) return rc;
    *ret_commit_ns = stk_bench_percentile(times, COMMITS, 50);
    stk_bench_add_us(bench, "commit_us", *ret_commit_ns);
    return STK_OK;
}

static enum stk_rc measure_stores(struct stk_bench *bench, const char *small_url,
                                  const char *large_url, stk_time_ns *ret_commit_ns,
                                  struct stk_error *err)
{
    STK_CLEANUP(close_side) struct side small = { 0 };
    STK_CLEANUP(close_side) struct side large = { 0 };
    stk_time_ns start = stk_clock_mono();
    enum stk_rc rc = open_side(bench, large_url, bench->jobs, &large, err);
    if (rc != STK_OK) return rc;
    stk_bench_add_rate(bench, "filled_per_s", bench->jobs, stk_clock_mono() - start);

    rc = open_side(bench, small_url, SMALL_JOBS, &small, err);
    if (rc == STK_OK) rc = measure_claims(bench, &small, &large, err);
    if (rc == STK_OK) rc = measure_commit(bench, large.store, ret_commit_ns, err);
    return rc == STK_OK ? measure_calls(bench, large.store, *ret_commit_ns, err) : rc;
}

enum stk_rc stk_bench_scale(struct stk_bench *bench, struct stk_error *err)
{
    if (bench->store != NULL && bench->beside == NULL) {
        return stk_fail(err, STK_INVALID,
                        "scale compares two databases: name the second, an "
                        "empty one, with --beside");
    }
    STK_CLEANUP(stk_freep)
    char *small_url =
        bench->beside != NULL ? stk_strdup(bench->beside) : stk_bench_url(bench, "small");
    STK_CLEANUP(stk_freep)
    char *large_url =
        bench->store != NULL ? stk_strdup(bench->store) : stk_bench_url(bench, "large");
    stk_time_ns commit_ns = 0;
    enum stk_rc rc = measure_stores(bench, small_url, large_url, &commit_ns, err);
    return rc == STK_OK ? measure_commands(bench, large_url, commit_ns, err) : rc;
}
