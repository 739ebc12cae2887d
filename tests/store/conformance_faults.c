/* SPDX-License-Identifier: MIT
 *
 * What is undone when the store fails in the middle.
 */
#include "store/jobs.h"

#include "base/fault.h"

static void commit__that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
#ifdef STK_FAULTS
    struct stk_counts before;
    struct stk_counts after;
    int64_t task = make_task("commit-fails"); /* the first commit */
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    OK(stk_store_counts(store, 0, &before, &err));

    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    assert_int_equal(stk_store_commit(store, &err), STK_UNAVAILABLE); /* the second */

    OK(stk_store_counts(store, 0, &after, &err));
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(stk_store_job(store, made.id, see_job, &(struct seen){ 0 }, NULL),
                     STK_NOT_FOUND);
    assert_true(submit(task) >= made.id); /* a sequence may leave a gap */
#else
    skip();
#endif
}

static void submit__that_fails_can_be_undone_alone(void **state)
{
    (void)state;
#ifdef STK_FAULTS
    int64_t task = make_task("submit-fails");
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    int64_t last = 0;
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    last = made.id;
    OK(stk_store_savepoint(store, &err));
    enum stk_rc rc = STK_OK;
    while (rc == STK_OK) { /* until the planned passing */
        OK(stk_store_savepoint_keep(store, &err));
        last = made.id;
        OK(stk_store_savepoint(store, &err));
        rc = stk_store_submit(store, &new_job, 1, NOW, &made, &err);
    }
    assert_int_equal(rc, STK_UNAVAILABLE);
    stk_store_savepoint_undo(store);
    commit();

    int64_t newest = 0;
    OK(stk_store_last_job(store, &newest, &err));
    assert_int_equal(newest, last);
#else
    skip();
#endif
}

int conformance_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit__that_fails_leaves_nothing_behind),
        cmocka_unit_test(submit__that_fails_can_be_undone_alone),
    };
    return cmocka_run_group_tests_name("store/faults", tests, NULL, NULL);
}
