/* SPDX-License-Identifier: MIT
 *
 * bench - what the benchmarks of `stoker bench` share: a store of their own,
 * jobs in it, and an answer that fills.
 *
 * Memory:  a struct stk_bench is bench.c's; a benchmark adds to `answer`.
 * Threads: the main thread; pools start their own.
 * Errors:  as everywhere. A job that is missing or was done twice is
 *          STK_INTERNAL: a benchmark that loses work has measured nothing.
 */
#ifndef STK_CLI_BENCH_H
#define STK_CLI_BENCH_H

#include "base/json.h"
#include "model/settings.h"
#include "pool/pool.h"
#include "store/store.h"

struct stk_bench {
    int64_t jobs;
    uint32_t workers;
    uint32_t pools;                /* of one shared store, each with as many workers */
    stk_time_ns span_ns;           /* how long a pool is watched */
    const char *store, *beside;    /* shared stores to measure in; NULL: a file in dir */
    bool silent;                   /* no hints are given */
    char *dir;                     /* made for this run, removed at its end */
    struct stk_settings *settings; /* one task, `bench`: parameters a and b, whole numbers */
    json_t *answer;
};

/* clang-format off */
/*    name     executor  jobs      workers  what it measures */
#define STK_BENCH_MAP(X)                                                                      \
    X(noop,    NOOP,     100000,   32, "no-op jobs drained, results kept")                    \
    X(spawn,   COMMAND,  5000,     8,  "jobs that run /bin/true")                             \
    X(latency, NOOP,     500,      4,  "submit sent to attempt started, idle pool")           \
    X(wake,    NOOP,     40,       64, "renewal asked for to the last waiting worker running")    \
    X(sweep,   NOOP,     1000000,  1,  "points of a sweep submitted")                         \
    X(scale,   NOOP,     10000000, 1,  "claim, status and jobs with as many pending")         \
    X(idle,    COMMAND,  20000,    64, "memory and CPU of an idle pool, fresh and after jobs") \
    X(submit,  NOOP,     20000,    32, "submits a second by as many clients, PostgreSQL only")  \
    X(steady,  NOOP,     20000,    32, "no-op jobs a second, as many always pending")
/* clang-format on */

#define STK_BENCH_DECLARE(name, executor, jobs, workers, what) \
    STK_MUST_USE enum stk_rc stk_bench_##name(struct stk_bench *bench, struct stk_error *err);
STK_BENCH_MAP(STK_BENCH_DECLARE)
#undef STK_BENCH_DECLARE

/* A store of this run's own folder, of which there may be several. free() ends the URL. */
char *stk_bench_url(const struct stk_bench *bench, const char *name);
/* Refuses a store that holds jobs: they would be measured, too, and perhaps run. */
STK_MUST_USE enum stk_rc stk_bench_must_be_empty(const char *url, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_bench_open(const char *url, struct stk_store **ret,
                                        struct stk_error *err);

/* Puts that many pending jobs of the task into the store, a transaction each chunk. */
STK_MUST_USE enum stk_rc stk_bench_fill(const struct stk_bench *bench, struct stk_store *store,
                                        int64_t jobs, struct stk_error *err);

/* The same, at most a chunk, within the transaction that is open. */
STK_MUST_USE enum stk_rc stk_bench_add_jobs(const struct stk_bench *bench, struct stk_store *store,
                                            size_t jobs, struct stk_error *err);

/* As many pools as bench->pools; an array of them, as far as they have started. */
STK_MUST_USE enum stk_rc stk_bench_pools_start(const struct stk_bench *bench,
                                               const struct stk_pool_options *options,
                                               struct stk_pool ***ret, struct stk_error *err);
void stk_bench_pools_free(const struct stk_bench *bench,
                          struct stk_pool **pools); /* NULL: nothing */

/* Opens the settings' store and looks at every job of it: all completed, with
 * result if they have to have one, by their first attempt. */
STK_MUST_USE enum stk_rc stk_bench_check(const struct stk_bench *bench, int64_t jobs,
                                         bool with_result, struct stk_error *err);

/* The p-th percentile; sorts. */
stk_time_ns stk_bench_percentile(stk_time_ns *times, size_t count, unsigned p);

/* Adds to the answer. */
void stk_bench_add_int(struct stk_bench *bench, const char *name, int64_t value);
void stk_bench_add_real(struct stk_bench *bench, const char *name, double value);
void stk_bench_add_us(struct stk_bench *bench, const char *name, stk_time_ns time);
void stk_bench_add_rate(struct stk_bench *bench, const char *name, int64_t count,
                        stk_time_ns took_ns);

/* `count` durable commits of a one-row change each, with a pause before each. */
STK_MUST_USE enum stk_rc stk_bench_commits(struct stk_store *store, stk_time_ns pause_ns,
                                           stk_time_ns *ret_times, size_t count,
                                           struct stk_error *err);

#endif
