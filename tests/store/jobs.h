/* SPDX-License-Identifier: MIT
 *
 * jobs - short words for the conformance programs about jobs, on top of run.h:
 * to bring a job into a state, and to look at what became of it.
 *
 * Each file conformance_NOUN.c holds the tests of one noun and hands them to the
 * runner, conformance.c, as a function of its name.
 *
 * Threads: one.
 * Errors:  whatever fails, fails the test, with its line and text.
 */
#ifndef STK_TESTS_STORE_JOBS_H
#define STK_TESTS_STORE_JOBS_H

#include "store/run.h"

/* A test of its own task: the pool lives, and nothing is left for the next. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, jobs_start_pool, jobs_clear)
int jobs_start_pool(void **state);
int jobs_clear(void **state);

/* The groups, in the order of the run; each gives how many of its tests failed. */
int conformance_faults(void); /* first: it counts passings */
int conformance_submit(void);
int conformance_claim(void);
int conformance_settle(void);
int conformance_deeds(void);
int conformance_rescue(void);
int conformance_sweeps(void);
int conformance_lists(void);
int conformance_rows(void);
int conformance_counters(void); /* last: it looks at all that was done */

/* --- making jobs --------------------------------------------------------- */

const struct stk_queue *queue_named(const char *name);
struct stk_new_job plain_job(int64_t task_id, const char *params);
int64_t submit_job(struct stk_new_job job);
int64_t make_sweep(int64_t task);
/* A job of the task brought into a state. */
int64_t job_in(const char *task, enum stk_state state);

/* --- claims -------------------------------------------------------------- */

enum { JOBS_MAX = 600 };
struct claims {
    struct stk_claim claims[JOBS_MAX]; /* params is NULL */
    size_t count;
};
size_t claim_in_txn(const char *queue, size_t count, stk_time_ns now, struct claims *ret);
size_t claim(const char *queue, size_t count, struct claims *ret);
size_t promote(stk_time_ns now);

/* --- outcomes ------------------------------------------------------------ */

struct stk_settle completed(const struct stk_claim *of, const char *result);
/* Any other outcome, by the rule of model/lifecycle. */
struct stk_settle ended(const struct stk_claim *of, enum stk_outcome outcome,
                        const struct stk_retry *retry, const char *error);
/* A stk_bound_fn: interruptions up to *context. */
struct stk_bounds at_most(void *context, const char *task);

/* --- what people do ------------------------------------------------------ */

struct stk_job_range just(int64_t id);
struct stk_bulk cancel(int64_t id);
struct stk_bulk retry(int64_t id);

/* --- looking ------------------------------------------------------------- */

struct seen_attempts {
    size_t count;
    char text[1024]; /* "attempt outcome error;" of each */
};
struct seen_attempts attempts(int64_t id);
size_t events_of(int64_t job_id, enum stk_event_kind kind);

#endif
