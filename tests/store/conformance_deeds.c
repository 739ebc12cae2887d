/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do when people cancel and retry.
 */
#include "store/jobs.h"

#include <stdio.h>

static const char *task_for(const char *what, enum stk_state state)
{
    static char name[64];
    (void)snprintf(name, sizeof(name), "%s-%s", what, stk_state_name(state));
    return name;
}

static void cancel__does_to_each_state_what_the_table_says(void **state)
{
    (void)state;
    for (int from = 0; from < STK_STATE_COUNT_; from++) {
        int64_t id = job_in(task_for("cancel", (enum stk_state)from), (enum stk_state)from);
        struct stk_bulk bulk = cancel(id);
        bool allowed = stk_lifecycle_allows((enum stk_state)from, STK_ACTION_CANCEL);
        assert_int_equal(bulk.changed + bulk.asked, allowed ? 1 : 0);
        assert_int_equal(bulk.skipped, allowed ? 0 : 1);
        if (!allowed) assert_int_equal(state_of(id), from);
    }
}

static void cancel__of_a_pending_job_ends_it_with_the_reason(void **state)
{
    (void)state;
    struct claims none;
    int64_t id = job_in("cancel-why", STK_STATE_PENDING);
    assert_int_equal(cancel(id).changed, 1);
    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_CANCELLED);
    assert_int_equal(seen.job.finished_at, NOW);
    assert_string_equal(seen.error, "cancelled by ada: no need");
    assert_int_equal(claim("cancel-why", 8, &none), 0);
    assert_int_equal(events_of(id, STK_EVENT_JOBS_CANCELLED), 1);
}

static void note_running(void *context, int64_t job_id)
{
    *(int64_t *)context = job_id;
}

static void cancel__of_a_running_job_marks_it_and_names_it(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    int64_t id = submit(make_task("cancel-running"));
    struct stk_claim got = claim_one("cancel-running");
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    int64_t told = 0;
    begin();
    OK(stk_store_cancel(store, &range, NULL, "ada", NOW, &bulk, note_running, &told, &err));
    commit();
    assert_int_equal(told, id);
    assert_int_equal(bulk.asked, 1);
    assert_int_equal(bulk.changed, 0);
    assert_true(see(id).job.cancel_requested);
    assert_int_equal(state_of(id), STK_STATE_RUNNING);

    /* A worker that has not heard of it reports a failure to be tried again. */
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED, &thrice, "killed by signal 15")));
    assert_int_equal(state_of(id), STK_STATE_CANCELLED);
    assert_string_equal(see(id).error, "cancelled by ada");
}

static void cancel__of_a_running_job_that_completes_keeps_its_result(void **state)
{
    (void)state;
    int64_t id = submit(make_task("cancel-late"));
    struct stk_claim got = claim_one("cancel-late");
    assert_int_equal(cancel(id).asked, 1);
    assert_true(settle(completed(&got, "{\"y\":1}")));
    assert_int_equal(state_of(id), STK_STATE_COMPLETED);
    assert_string_equal(see(id).result, "{\"y\":1}");
}

static void cancel__of_a_range_without_jobs_is_not_found(void **state)
{
    (void)state;
    struct stk_job_range range = { .first = INT64_MAX - 5, .last = INT64_MAX, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    assert_int_equal(stk_store_cancel(store, &range, NULL, NULL, NOW, &bulk, NULL, NULL, &err),
                     STK_NOT_FOUND);
    commit();
}

static void retry__does_to_each_state_what_the_table_says(void **state)
{
    (void)state;
    for (int from = 0; from < STK_STATE_COUNT_; from++) {
        int64_t id = job_in(task_for("retry", (enum stk_state)from), (enum stk_state)from);
        struct stk_bulk bulk = retry(id);
        bool allowed = stk_lifecycle_allows((enum stk_state)from, STK_ACTION_RETRY);
        assert_int_equal(bulk.changed, allowed ? 1 : 0);
        assert_int_equal(state_of(id), allowed ? STK_STATE_PENDING : (enum stk_state)from);
    }
}

static void retry__of_a_completed_job_makes_its_result_history(void **state)
{
    (void)state;
    int64_t id = job_in("retry-result", STK_STATE_COMPLETED);
    assert_int_equal(retry(id).changed, 1);
    struct seen seen = see(id);
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(seen.job.retries, 1);
    assert_string_equal(attempts(id).text, "1 completed -;");

    struct stk_claim got = claim_one("retry-result");
    assert_int_equal(got.attempt, 1);
    assert_true(settle(completed(&got, "{\"new\":1}")));
    assert_string_equal(attempts(id).text, "1 completed -;1 completed -;");
}

static void retry__of_a_quarantined_job_gives_it_fresh_interruptions(void **state)
{
    (void)state;
    struct stk_retry bound = STK_RETRY_DEFAULT;
    bound.interruptions_max = 0;
    int64_t id = submit(make_task("retry-killer"));
    struct stk_claim got = claim_one("retry-killer");
    assert_true(settle(ended(&got, STK_OUTCOME_INTERRUPTED, &bound, NULL)));
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(retry(id).changed, 1);
    assert_int_equal(see(id).job.interruptions, 0);
}

static void cancel__of_many_goes_in_bounded_steps(void **state)
{
    (void)state;
    enum { MANY = 2 * STK_STORE_CHUNK + 500 };
    int64_t task = make_task("many");
    static struct stk_new_job jobs[MANY];
    static struct stk_submitted made[MANY];
    for (size_t i = 0; i < MANY; i++) {
        jobs[i] = plain_job(task, "{}");
    }
    begin();
    OK(stk_store_submit(store, jobs, MANY, NOW, made, &err));
    commit();
    (void)cancel(made[7].id);

    struct stk_job_range range = { .first = made[0].id, .last = made[MANY - 1].id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    int steps = 0;
    do {
        int64_t before = bulk.changed;
        begin();
        OK(stk_store_cancel(store, &range, NULL, "ada", NOW, &bulk, NULL, NULL, &err));
        commit();
        assert_true(bulk.changed - before <= STK_STORE_CHUNK);
        steps++;
    } while (bulk.more);
    assert_true(steps >= 3);
    assert_int_equal(bulk.changed, MANY - 1);
    assert_int_equal(bulk.skipped, 1);

    range.state = STK_STATE_CANCELLED;
    bulk = (struct stk_bulk){ 0 };
    do {
        begin();
        OK(stk_store_retry(store, &range, NULL, "ada", NOW, &bulk, &err));
        commit();
    } while (bulk.more);
    assert_int_equal(bulk.changed, MANY);
}

int conformance_deeds(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancel__does_to_each_state_what_the_table_says),
        TEST(cancel__of_a_pending_job_ends_it_with_the_reason),
        TEST(cancel__of_a_running_job_marks_it_and_names_it),
        TEST(cancel__of_a_running_job_that_completes_keeps_its_result),
        TEST(cancel__of_a_range_without_jobs_is_not_found),
        TEST(retry__does_to_each_state_what_the_table_says),
        TEST(retry__of_a_completed_job_makes_its_result_history),
        TEST(retry__of_a_quarantined_job_gives_it_fresh_interruptions),
        TEST(cancel__of_many_goes_in_bounded_steps),
    };
    return cmocka_run_group_tests_name("store/deeds", tests, NULL, NULL);
}
