/* SPDX-License-Identifier: MIT
 *
 * How every store engine lists jobs.
 */
#include "store/jobs.h"

#include <stdio.h>
#include <string.h>

struct seen_ids {
    int64_t ids[STK_PAGE_MAX];
    size_t count;
};

static void see_id(void *context, const struct stk_job *of)
{
    struct seen_ids *seen = context;
    seen->ids[seen->count++] = of->id;
}

static struct seen_ids list(struct stk_job_filter filter)
{
    struct seen_ids seen = { .count = 0 };
    OK(stk_store_jobs(store, &filter, see_id, &seen, &err));
    return seen;
}

/* Twelve jobs of two tasks, one of them in a sweep, in all five states. */
static void jobs__are_listed_alike_by_every_path(void **state)
{
    (void)state;
    int64_t tasks[2] = { make_task("list-a"), make_task("list-b") };
    int64_t sweep = make_sweep(tasks[0]);
    struct {
        int64_t id;
        int task;
        bool in_sweep;
    } known[12];
    for (int i = 0; i < 12; i++) {
        char params[32];
        (void)snprintf(params, sizeof(params), "{\"i\":%d}", i);
        known[i].task = i % 2;
        known[i].in_sweep = i % 4 == 0;
        struct stk_new_job new_job = plain_job(tasks[known[i].task], params);
        if (known[i].in_sweep) new_job.sweep_id = sweep;
        new_job.priority = i % 3;
        known[i].id = submit_job(new_job);
    }
    struct stk_claim a = claim_one("list-a");
    (void)claim_one("list-b");
    assert_true(settle(completed(&a, NULL)));
    assert_int_equal(cancel(known[8].id).changed, 1);
    assert_int_equal(cancel(known[7].id).changed, 1);

    for (int which = 0; which < 2 * 3 * 2 * 6; which++) {
        bool ascending = which % 2 == 1;
        int task = which / 2 % 3 - 1;
        bool in_sweep = which / 6 % 2 == 1;
        int wanted = which / 12 - 1;
        struct stk_job_filter filter = {
            .state = wanted,
            .task = task < 0    ? NULL
                    : task == 0 ? "list-a"
                                : "list-b",
            .sweep_id = in_sweep ? sweep : 0,
            .after_id = ascending ? known[0].id - 1 : known[11].id + 1,
            .ascending = ascending,
            .limit = 12,
        };
        struct seen_ids seen = list(filter);
        size_t at = 0;
        for (int n = 0; n < 12; n++) {
            int i = ascending ? n : 11 - n;
            if (task >= 0 && known[i].task != task) continue;
            if (in_sweep && !known[i].in_sweep) continue;
            if (wanted >= 0 && (int)state_of(known[i].id) != wanted) continue;
            assert_true(at < seen.count);
            assert_int_equal(seen.ids[at++], known[i].id);
        }
        bool only_ours = task >= 0 || in_sweep;
        if (only_ours) assert_int_equal(seen.count, at);
    }
}

static void jobs__come_in_pages(void **state)
{
    (void)state;
    int64_t task = make_task("pages");
    for (int i = 0; i < 5; i++) {
        (void)submit(task);
    }
    struct stk_job_filter filter = { .state = STK_STATE_PENDING, .task = "pages", .limit = 2 };
    struct seen_ids first = list(filter);
    assert_int_equal(first.count, 2);
    assert_true(first.ids[0] > first.ids[1]);
    filter.after_id = first.ids[1];
    struct seen_ids second = list(filter);
    assert_int_equal(second.count, 2);
    assert_true(second.ids[0] < first.ids[1]);
    filter.after_id = second.ids[1];
    assert_int_equal(list(filter).count, 1);
}

static void jobs__of_an_unknown_task_are_none(void **state)
{
    (void)state;
    struct stk_job_filter filter = { .state = -1, .task = "never-seen", .limit = 10 };
    assert_int_equal(list(filter).count, 0);
}

static void jobs_ahead__counts_those_before_it_up_to_a_bound(void **state)
{
    (void)state;
    int64_t task = make_task("ahead");
    struct stk_new_job urgent = plain_job(task, "{}");
    urgent.priority = 9;
    (void)submit(task);
    int64_t id = submit(task);
    (void)submit(task);
    (void)submit_job(urgent);
    int64_t ahead = -1;
    OK(stk_store_jobs_ahead(store, id, 100, &ahead, &err));
    assert_int_equal(ahead, 2);
    OK(stk_store_jobs_ahead(store, id, 1, &ahead, &err));
    assert_int_equal(ahead, 1);
}

static void job__that_is_unknown_is_not_found(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(stk_store_job(store, 123456789, see_job, &seen, &err), STK_NOT_FOUND);
    assert_non_null(strstr(err.text, "123456789"));
}

int conformance_lists(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs__are_listed_alike_by_every_path),
        TEST(jobs__come_in_pages),
        TEST(jobs__of_an_unknown_task_are_none),
        TEST(jobs_ahead__counts_those_before_it_up_to_a_bound),
        TEST(job__that_is_unknown_is_not_found),
    };
    return cmocka_run_group_tests_name("store/lists", tests, NULL, NULL);
}
