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
#include "store/store.h"

struct stk_bench {
    int64_t jobs;
    uint32_t workers;
    stk_time_ns span_ns;           /* how long an idle pool is watched */
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
    X(idle,    COMMAND,  20000,    64, "memory and CPU of an idle pool, fresh and after jobs")
/* clang-format on */

#define STK_BENCH_DECLARE(name, executor, jobs, workers, what) \
    STK_MUST_USE enum stk_rc stk_bench_##name(struct stk_bench *bench, struct stk_error *err);
STK_BENCH_MAP(STK_BENCH_DECLARE)
#undef STK_BENCH_DECLARE

/* The store of this run, of which there may be several. free() ends the URL. */
char *stk_bench_url(const struct stk_bench *bench, const char *name);
STK_MUST_USE enum stk_rc stk_bench_open(const char *url, struct stk_store **ret,
                                        struct stk_error *err);

/* Puts that many pending jobs of the task into the store. */
STK_MUST_USE enum stk_rc stk_bench_fill(const struct stk_bench *bench, struct stk_store *store,
                                        int64_t jobs, struct stk_error *err);

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
