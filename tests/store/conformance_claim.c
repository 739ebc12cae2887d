/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with claims, queues and due times.
 */
#include "store/jobs.h"

/* --- claim --------------------------------------------------------------- */

static void claim__of_an_empty_queue_gives_none(void **state)
{
    (void)state;
    struct claims got;
    (void)make_task("empty");
    assert_int_equal(claim("empty", 8, &got), 0);
}

static void claim__hands_a_job_out_once(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = submit(make_task("once"));
    assert_int_equal(claim("once", 8, &got), 1);
    assert_int_equal(got.claims[0].id, id);
    assert_int_equal(got.claims[0].attempt, 1);
    assert_true(got.claims[0].attempt_id > 0);
    assert_int_equal(claim("once", 8, &got), 0);

    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_RUNNING);
    assert_int_equal(seen.job.started_at, NOW);
    assert_int_equal(seen.job.ready_at, STK_NEVER);
    assert_int_equal(seen.job.pool_id, pool);
    assert_int_equal(seen.job.worker, 1);
    assert_string_equal(attempts(id).text, "1 running -;");
}

static void claim__takes_the_highest_priority_then_the_oldest(void **state)
{
    (void)state;
    static const int32_t priorities[] = { 0, 5, -1, 5, 0 };
    static const size_t order[] = { 1, 3, 0, 4, 2 };
    int64_t task = make_task("order");
    int64_t ids[STK_ARRAY_LEN(priorities)];
    struct claims got;
    for (size_t i = 0; i < STK_ARRAY_LEN(priorities); i++) {
        struct stk_new_job new_job = plain_job(task, "{}");
        new_job.priority = priorities[i];
        ids[i] = submit_job(new_job);
    }
    assert_int_equal(claim("order", 8, &got), STK_ARRAY_LEN(order));
    for (size_t i = 0; i < STK_ARRAY_LEN(order); i++) {
        assert_int_equal(got.claims[i].id, ids[order[i]]);
        assert_int_equal(got.claims[i].slot, i + 1);
    }
}

static void claim__takes_no_more_than_there_are_slots(void **state)
{
    (void)state;
    struct claims got;
    int64_t task = make_task("slots");
    for (int i = 0; i < 5; i++) {
        (void)submit(task);
    }
    assert_int_equal(claim("slots", 2, &got), 2);
    assert_int_equal(claim("slots", 0, &got), 0);
    assert_int_equal(claim("slots", 8, &got), 3);
}

static void claim__of_a_paused_queue_gives_none_until_it_is_resumed(void **state)
{
    (void)state;
    struct claims got;
    (void)submit(make_task("paused"));
    begin();
    OK(stk_store_queue_pause(store, "paused", true, "night", "ada", NOW, &err));
    assert_int_equal(claim_in_txn("paused", 8, NOW, &got), 0);
    commit();
    assert_true(queue_named("paused")->paused);
    assert_string_equal(queue_named("paused")->reason, "night");
    assert_string_equal(queue_named("paused")->actor, "ada");
    assert_int_equal(claim("paused", 8, &got), 0);

    begin();
    OK(stk_store_queue_pause(store, "paused", false, NULL, "ada", NOW, &err));
    commit();
    assert_false(queue_named("paused")->paused);
    assert_int_equal(claim("paused", 8, &got), 1);
}

static void pause__that_is_rolled_back_leaves_the_queue_open(void **state)
{
    (void)state;
    struct claims got;
    (void)submit(make_task("half-paused"));
    begin();
    OK(stk_store_queue_pause(store, "half-paused", true, "oops", "ada", NOW, &err));
    stk_store_rollback(store);
    assert_int_equal(claim("half-paused", 8, &got), 1);
}

static void pause__of_an_unknown_queue_is_not_found(void **state)
{
    (void)state;
    begin();
    assert_int_equal(stk_store_queue_pause(store, "nowhere", true, NULL, NULL, NOW, &err),
                     STK_NOT_FOUND);
    commit();
}

static void claim__that_is_rolled_back_leaves_the_job_pending(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = submit(make_task("rolled-back"));
    begin();
    assert_int_equal(claim_in_txn("rolled-back", 1, NOW, &got), 1);
    stk_store_rollback(store);
    assert_int_equal(state_of(id), STK_STATE_PENDING);
    assert_int_equal(see(id).job.attempt, 0);
    assert_int_equal(claim("rolled-back", 1, &got), 1);
}

/* Whether the whole transaction is undone or a part of it. */
static void claim__after_one_that_was_undone_begins_with_the_same_jobs(void **state)
{
    (void)state;
    struct claims got;
    int64_t task = make_task("undone"), ids[6];
    for (size_t i = 0; i < STK_ARRAY_LEN(ids); i++) {
        ids[i] = submit(task);
    }
    assert_int_equal(claim("undone", 2, &got), 2);
    begin();
    assert_int_equal(claim_in_txn("undone", 2, NOW, &got), 2);
    stk_store_rollback(store);
    begin();
    OK(stk_store_savepoint(store, &err));
    assert_int_equal(claim_in_txn("undone", 2, NOW, &got), 2);
    stk_store_savepoint_undo(store);
    assert_int_equal(claim_in_txn("undone", 1, NOW, &got), 1);
    assert_int_equal(got.claims[0].id, ids[2]);
    assert_int_equal(claim_in_txn("undone", 1, NOW, &got), 1);
    assert_int_equal(got.claims[0].id, ids[3]);
    commit();
    assert_int_equal(claim("undone", 8, &got), 2);
    assert_int_equal(got.claims[0].id, ids[4]);
}

/* --- due times ----------------------------------------------------------- */

static void claim__takes_no_job_before_it_is_due(void **state)
{
    (void)state;
    struct claims got;
    struct stk_new_job new_job = plain_job(make_task("future"), "{}");
    new_job.ready_at = NOW + STK_HOUR;
    int64_t id = submit_job(new_job);
    assert_int_equal(stk_store_next_due(store), NOW + STK_HOUR);
    assert_int_equal(promote(NOW + STK_HOUR - 1), 0);
    assert_int_equal(claim("future", 8, &got), 0);

    assert_int_equal(promote(NOW + STK_HOUR), 1);
    assert_int_equal(stk_store_next_due(store), STK_NEVER);
    assert_int_equal(claim("future", 8, &got), 1);
    assert_int_equal(got.claims[0].id, id);
}

static void next_due__is_right_after_a_rollback_and_an_undo(void **state)
{
    (void)state;
    int64_t task = make_task("due-back");
    struct stk_new_job late = plain_job(task, "{}");
    struct stk_new_job early = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    size_t moved = 0;
    late.ready_at = NOW + 2 * STK_HOUR;
    early.ready_at = NOW + STK_HOUR;
    (void)submit_job(late);

    begin();
    OK(stk_store_submit(store, &early, 1, NOW, &made, &err));
    assert_int_equal(stk_store_next_due(store), NOW + STK_HOUR);
    stk_store_rollback(store);
    assert_int_equal(stk_store_next_due(store), NOW + 2 * STK_HOUR);

    begin();
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_promote(store, NOW + STK_DAY, 100, &moved, &err));
    assert_int_equal(moved, 1);
    stk_store_savepoint_undo(store);
    assert_int_equal(stk_store_next_due(store), NOW + 2 * STK_HOUR);
    commit();
    assert_int_equal(promote(NOW + STK_DAY), 1);
}

int conformance_claim(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claim__of_an_empty_queue_gives_none),
        TEST(claim__hands_a_job_out_once),
        TEST(claim__takes_the_highest_priority_then_the_oldest),
        TEST(claim__takes_no_more_than_there_are_slots),
        TEST(claim__of_a_paused_queue_gives_none_until_it_is_resumed),
        TEST(pause__that_is_rolled_back_leaves_the_queue_open),
        TEST(pause__of_an_unknown_queue_is_not_found),
        TEST(claim__that_is_rolled_back_leaves_the_job_pending),
        TEST(claim__after_one_that_was_undone_begins_with_the_same_jobs),
        TEST(claim__takes_no_job_before_it_is_due),
        TEST(next_due__is_right_after_a_rollback_and_an_undo),
    };
    return cmocka_run_group_tests_name("store/claim", tests, NULL, NULL);
}
