/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with sweeps.
 */
#include "store/jobs.h"

struct seen_sweep {
    struct stk_sweep sweep;
    char spec[64];
};

static void see_sweep(void *context, const struct stk_sweep *sweep)
{
    struct seen_sweep *seen = context;
    seen->sweep = *sweep;
    copy_text(seen->spec, sizeof(seen->spec), sweep->spec);
}

static struct seen_sweep sweep_of(int64_t id)
{
    struct seen_sweep seen;
    OK(stk_store_sweeps(store, id, 0, 1, see_sweep, &seen, &err));
    return seen;
}

static void sweep__has_each_set_of_parameters_once(void **state)
{
    (void)state;
    int64_t task = make_task("sweep");
    int64_t sweep = make_sweep(task);
    struct stk_new_job jobs[3] = { plain_job(task, "{\"x\":1}"), plain_job(task, "{\"x\":2}"),
                                   plain_job(task, "{\"x\":1}") };
    struct stk_submitted made[3];
    for (size_t i = 0; i < 3; i++) {
        jobs[i].sweep_id = sweep;
    }
    begin();
    OK(stk_store_submit(store, jobs, 3, NOW, made, &err));
    commit();
    assert_false(made[0].existing);
    assert_false(made[1].existing);
    assert_true(made[2].existing);
    assert_int_equal(made[2].id, made[0].id);

    jobs[0].sweep_id = 0; /* outside it, the same parameters are another job */
    assert_int_not_equal(submit_job(jobs[0]), made[0].id);
    struct stk_counts counts;
    OK(stk_store_counts(store, sweep, &counts, &err));
    assert_int_equal(counts.of[STK_STATE_PENDING], 2);
}

static void sweep__has_ended_when_it_is_filled_and_no_job_is_left(void **state)
{
    (void)state;
    int64_t task = make_task("sweep-end");
    int64_t sweep = make_sweep(task);
    struct stk_new_job new_job = plain_job(task, "{\"x\":1}");
    new_job.sweep_id = sweep;
    (void)submit_job(new_job);
    struct stk_claim got = claim_one("sweep-end");
    assert_int_equal(got.sweep_id, sweep);
    assert_true(settle(completed(&got, "{}")));
    assert_int_equal(sweep_of(sweep).sweep.finished_at, STK_NEVER);

    begin();
    OK(stk_store_sweep_set(store, sweep, "{\"x\":[1]}", 1, true, &err));
    commit();
    struct seen_sweep seen = sweep_of(sweep);
    assert_int_equal(seen.sweep.finished_at, NOW);
    assert_int_equal(seen.sweep.points, 1);
    assert_int_equal(seen.sweep.counts.of[STK_STATE_COMPLETED], 1);
    assert_string_equal(seen.spec, "{\"x\":[1]}");
    int64_t last = 0;
    OK(stk_store_last_sweep(store, &last, &err));
    assert_int_equal(last, sweep);
}

static void sweep__that_is_unknown_is_not_found(void **state)
{
    (void)state;
    struct seen_sweep seen;
    begin();
    assert_int_equal(stk_store_sweep_set(store, 99999, "{}", 1, true, &err), STK_NOT_FOUND);
    commit();
    assert_int_equal(stk_store_sweeps(store, 99999, 0, 1, see_sweep, &seen, &err), STK_NOT_FOUND);
}

int conformance_sweeps(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sweep__has_each_set_of_parameters_once),
        TEST(sweep__has_ended_when_it_is_filled_and_no_job_is_left),
        TEST(sweep__that_is_unknown_is_not_found),
    };
    return cmocka_run_group_tests_name("store/sweeps", tests, NULL, NULL);
}
