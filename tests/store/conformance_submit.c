/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with new jobs.
 */
#include "store/jobs.h"

#include <string.h>

static void submit__keeps_what_was_given(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("keeps"), "{\"fast\":5,\"name\":\"Zoë\"}");
    new_job.priority = -3;
    new_job.key = "k1";
    struct seen seen = see(submit_job(new_job));

    assert_string_equal(seen.params, "{\"fast\":5,\"name\":\"Zoë\"}");
    assert_string_equal(seen.task, "keeps");
    assert_string_equal(seen.queue, "keeps");
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_int_equal(seen.job.priority, -3);
    assert_int_equal(seen.job.created_at, NOW);
    assert_int_equal(seen.job.ready_at, NOW);
    assert_int_equal(seen.job.started_at, STK_NEVER);
    assert_int_equal(seen.job.finished_at, STK_NEVER);
    assert_int_equal(seen.job.attempt, 0);
}

static void submit__with_a_known_key_gives_the_job_that_has_it(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("key"), "{\"x\":1}");
    new_job.key = "monday";
    int64_t id = submit_job(new_job);
    struct stk_submitted made = { 0 };
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    commit();
    assert_true(made.existing);
    assert_int_equal(made.id, id);
}

static void submit__with_a_key_taken_by_other_parameters_is_a_conflict(void **state)
{
    (void)state;
    int64_t task = make_task("key-taken");
    struct stk_new_job jobs[3] = { plain_job(task, "{\"x\":1}"), plain_job(task, "{\"x\":2}"),
                                   plain_job(task, "{\"x\":3}") };
    jobs[0].key = "k";
    int64_t id = submit_job(jobs[0]);
    jobs[2].key = "k";

    struct stk_submitted made[3];
    struct stk_counts before;
    struct stk_counts after;
    OK(stk_store_counts(store, 0, &before, &err));
    begin();
    assert_int_equal(stk_store_submit(store, jobs + 1, 2, NOW, made, &err), STK_CONFLICT);
    assert_non_null(strstr(err.text, "\"k\""));
    commit(); /* the transaction stays usable, and holds nothing of the call */

    int64_t last = 0;
    OK(stk_store_last_job(store, &last, &err));
    OK(stk_store_counts(store, 0, &after, &err));
    assert_int_equal(last, id);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void submit__of_another_task_may_use_the_same_key(void **state)
{
    (void)state;
    struct stk_new_job one = plain_job(make_task("key-a"), "{}");
    struct stk_new_job other = plain_job(make_task("key-b"), "{}");
    one.key = other.key = "shared";
    assert_int_not_equal(submit_job(one), submit_job(other));
}

static void submit__of_params_that_are_no_json_is_refused(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("no-json"), "{fast");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_not_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_OK);
    stk_store_rollback(store);
}

static void submit__of_an_unknown_task_is_refused(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(999999, "{}");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
}

static void submit__with_too_long_a_key_is_refused(void **state)
{
    (void)state;
    char key[STK_KEY_BYTES_MAX + 2];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    struct stk_new_job new_job = plain_job(make_task("long-key"), "{}");
    struct stk_submitted made = { 0 };
    new_job.key = key;
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
}

int conformance_submit(void)
{
    const struct CMUnitTest tests[] = {
        TEST(submit__keeps_what_was_given),
        TEST(submit__with_a_known_key_gives_the_job_that_has_it),
        TEST(submit__with_a_key_taken_by_other_parameters_is_a_conflict),
        TEST(submit__of_another_task_may_use_the_same_key),
        TEST(submit__of_params_that_are_no_json_is_refused),
        TEST(submit__of_an_unknown_task_is_refused),
        TEST(submit__with_too_long_a_key_is_refused),
    };
    return cmocka_run_group_tests_name("store/submit", tests, NULL, NULL);
}
