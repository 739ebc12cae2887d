/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with the jobs of pools that are gone.
 */
#include "store/jobs.h"

static void rescue__gives_back_the_jobs_of_other_pools_only(void **state)
{
    (void)state;
    int64_t other = 0;
    int64_t mine = submit(make_task("mine"));
    (void)claim_one("mine");
    int64_t task = make_task("lost");
    int64_t lost = submit(task);
    int64_t asked = submit(task);
    begin();
    OK(stk_store_pool_start(store, "elsewhere", 7, 4, BORN, &other, &err));
    commit();
    int64_t saved = pool;
    pool = other;
    struct claims got;
    assert_int_equal(claim("lost", 2, &got), 2);
    pool = saved;
    assert_int_equal(cancel(asked).asked, 1);

    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_rescue(store, pool, at_most, &(uint32_t){ 5 }, NOW, &bulk, &err));
    commit();
    assert_int_equal(bulk.changed, 2);
    assert_false(bulk.more);
    assert_int_equal(state_of(mine), STK_STATE_RUNNING);
    assert_int_equal(state_of(lost), STK_STATE_PENDING);
    assert_int_equal(state_of(asked), STK_STATE_CANCELLED);
    assert_int_equal(see(lost).job.attempt, 0);
    assert_int_equal(see(lost).job.interruptions, 1);
    assert_false(settle(completed(&got.claims[0], "{\"late\":1}")));
    assert_int_equal(claim("lost", 8, &got), 1);
}

static void rescue__quarantines_a_job_that_kills_its_pool(void **state)
{
    (void)state;
    int64_t id = submit(make_task("pool-killer"));
    struct stk_bulk bulk = { 0 };
    (void)claim_one("pool-killer");
    begin();
    OK(stk_store_rescue(store, 0, at_most, &(uint32_t){ 0 }, NOW, &bulk, &err));
    commit();
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(events_of(id, STK_EVENT_JOB_QUARANTINED), 1);
    begin(); /* all pools are gone now, ours too */
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
}

int conformance_rescue(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rescue__gives_back_the_jobs_of_other_pools_only),
        TEST(rescue__quarantines_a_job_that_kills_its_pool),
    };
    return cmocka_run_group_tests_name("store/rescue", tests, NULL, NULL);
}
