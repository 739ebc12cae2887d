/* SPDX-License-Identifier: MIT
 *
 * run - what each conformance program needs: one store for the whole run, a
 * living pool in it, and short words for what most tests do.
 *
 * The store comes in STK_TEST_STORE: a URL, or the name of an engine that needs
 * no server ("sqlite"), which is given a fresh file, removed at the end.
 *
 * Threads: one.
 * Errors:  whatever fails, fails the test, with its line and text.
 */
#ifndef STK_TESTS_STORE_RUN_H
#define STK_TESTS_STORE_RUN_H

#include "support/test.h"

#include "store/store.h"

/* Any moment: the store is told the time. */
#define NOW ((stk_time_ns)1800000000 * STK_SECOND)
/* When a test's pools start: on a shared store their lease has long run out, so that any
 * rescue takes them for gone, as on SQLite it does without a lease. */
#define BORN (NOW - STK_HOUR)

#define OK(call) run_check((call), &err, #call, __LINE__)

extern struct stk_store *store;
extern struct stk_error err;
extern int64_t pool;

void run_check(enum stk_rc rc, const struct stk_error *error, const char *call, int line);

/* Around cmocka_run_group_tests: the file, then the group's setup and teardown. */
void run_make_file(void);
void run_remove_file(void);
int run_open(void **state);
int run_close(void **state);
int run_rollback(void **state); /* after a test: a transaction left open would fail the next */

void begin(void);
void commit(void);

/* A task and the queue of the same name. */
int64_t make_task(const char *name);
int64_t queue_id(const char *name);
int64_t submit(int64_t task_id);

/* One job claimed, its texts copied away: params is NULL. */
struct stk_claim claim_one(const char *queue);
bool settle(struct stk_settle settle);

/* A job as it was read, its texts copied; "(null)": NULL. */
struct seen {
    struct stk_job job;
    char params[256], result[256], error[256], held[64], task[64], queue[64];
};
struct seen see(int64_t id);
void see_job(void *context, const struct stk_job *job); /* a stk_job_fn: into a struct seen */
void copy_text(char *to, size_t size, const char *text);
enum stk_state state_of(int64_t id);

#endif
