/* SPDX-License-Identifier: MIT
 *
 * The counters of every store engine against its rows, after all that was done.
 */
#include "store/jobs.h"

#include <stdio.h>

#include "base/rand.h"

enum { WALK_STEPS = 2000 };

struct walk {
    struct stk_seeded dice;
    int64_t tasks[3], sweep;
    struct claims running;
    struct claims running_saved;
};

static void walk_submit(struct walk *walk)
{
    char params[64];
    struct stk_new_job jobs[3];
    struct stk_submitted made[3];
    (void)snprintf(params, sizeof(params), "{\"n\":%d}", (int)stk_seeded_below(&walk->dice, 200));
    for (size_t i = 0; i < 3; i++) {
        size_t task = (size_t)stk_seeded_below(&walk->dice, 3);
        jobs[i] = plain_job(walk->tasks[task], params);
        if (task == 0) jobs[i].sweep_id = walk->sweep;
        jobs[i].priority = (int32_t)stk_seeded_below(&walk->dice, 3);
        if (stk_seeded_below(&walk->dice, 4) == 0) jobs[i].ready_at = NOW + STK_HOUR;
    }
    OK(stk_store_submit(store, jobs, 3, NOW, made, &err));
}

static void walk_claim(struct walk *walk)
{
    static const char *const queues[] = { "walk-0", "walk-1", "walk-2" };
    struct claims got;
    (void)claim_in_txn(queues[stk_seeded_below(&walk->dice, 3)], 2, NOW, &got);
    for (size_t i = 0; i < got.count && walk->running.count < JOBS_MAX; i++) {
        walk->running.claims[walk->running.count++] = got.claims[i];
    }
}

static void walk_settle(struct walk *walk)
{
    struct stk_retry twice = { .attempts_max = 2, .interruptions_max = 2 };
    if (walk->running.count == 0) return;
    size_t at = (size_t)stk_seeded_below(&walk->dice, walk->running.count);
    enum stk_outcome outcome = (enum stk_outcome)stk_seeded_below(&walk->dice, STK_OUTCOME_COUNT_);
    struct stk_settle done =
        outcome == STK_OUTCOME_COMPLETED
            ? completed(&walk->running.claims[at], "{}")
            : ended(&walk->running.claims[at], outcome, &twice, "walked into it");
    struct stk_counts now; /* who reads the counters knows all outcomes */
    OK(stk_store_settle(store, &done, 1, NOW, &err));
    OK(stk_store_counts(store, 0, &now, &err));
    if (stk_seeded_below(&walk->dice, 8) == 0) {
        OK(stk_store_settle(store, &done, 1, NOW, &err));
        OK(stk_store_counts(store, 0, &now, &err));
        assert_false(done.accepted);
        return;
    }
    walk->running.claims[at] = walk->running.claims[--walk->running.count];
}

static void walk_people(struct walk *walk)
{
    int64_t last = 0;
    if (stk_store_last_job(store, &last, NULL) != STK_OK) return;
    int64_t first = 1 + (int64_t)stk_seeded_below(&walk->dice, (uint64_t)last);
    struct stk_job_range range = { .first = first, .last = first + 3, .state = -1 };
    struct stk_bulk bulk = { 0 };
    bool cancels = stk_seeded_below(&walk->dice, 2) == 0;
    enum stk_rc rc = cancels
                         ? stk_store_cancel(store, &range, NULL, NULL, NOW, &bulk, NULL, NULL, &err)
                         : stk_store_retry(store, &range, NULL, NULL, NOW, &bulk, &err);
    if (rc != STK_NOT_FOUND) OK(rc); /* rolled back ids leave gaps on some engines */
}

static void walk_step(struct walk *walk)
{
    size_t moved = 0;
    switch (stk_seeded_below(&walk->dice, 8)) {
    case 0:
    case 1: walk_submit(walk); break;
    case 2:
    case 3: walk_claim(walk); break;
    case 4:
    case 5: walk_settle(walk); break;
    case 6: walk_people(walk); break;
    default: OK(stk_store_promote(store, NOW + STK_DAY, 5, &moved, &err)); break;
    }
}

struct recount {
    struct stk_counts all, sweep;
    int64_t sweep_id, last;
};

static void recount_job(void *context, const struct stk_job *of)
{
    struct recount *recount = context;
    recount->all.of[of->state]++;
    if (of->sweep_id == recount->sweep_id) recount->sweep.of[of->state]++;
    recount->last = of->id;
}

static void check_counters(int64_t sweep)
{
    struct recount recount = { .sweep_id = sweep };
    struct stk_counts kept;
    struct stk_job_filter filter = { .state = -1, .ascending = true, .limit = STK_PAGE_MAX };
    do {
        filter.after_id = recount.last;
        OK(stk_store_jobs(store, &filter, recount_job, &recount, &err));
    } while (recount.last != filter.after_id);

    OK(stk_store_counts(store, 0, &kept, &err));
    assert_memory_equal(&kept, &recount.all, sizeof(kept));
    OK(stk_store_counts(store, sweep, &kept, &err));
    assert_memory_equal(&kept, &recount.sweep, sizeof(kept));
}

/* Transactions of a few steps; some are rolled back, some steps undone. */
static void counters__equal_the_rows_after_a_random_walk(void **state)
{
    (void)state;
    static struct walk walk;
    stk_seeded_init(&walk.dice, 20261124);
    for (int i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "walk-%d", i);
        walk.tasks[i] = make_task(name);
    }
    walk.sweep = make_sweep(walk.tasks[0]);

    for (int step = 0; step < WALK_STEPS;) {
        struct claims before = walk.running;
        begin();
        uint64_t steps = 1 + stk_seeded_below(&walk.dice, 6);
        for (uint64_t i = 0; i < steps; i++, step++) {
            bool undo = stk_seeded_below(&walk.dice, 6) == 0;
            walk.running_saved = walk.running;
            if (undo) OK(stk_store_savepoint(store, &err));
            walk_step(&walk);
            if (undo) stk_store_savepoint_undo(store);
            if (undo) walk.running = walk.running_saved;
        }
        bool rolls_back = stk_seeded_below(&walk.dice, 6) == 0;
        if (rolls_back) stk_store_rollback(store);
        if (rolls_back) walk.running = before;
        if (!rolls_back) commit();
        if (step % 100 < 6) check_counters(walk.sweep);
    }
    check_counters(walk.sweep);
}

static void add_task_counts(void *context, const char *queue, const char *task,
                            const struct stk_counts *counts)
{
    struct stk_counts *sum = context;
    assert_non_null(queue);
    assert_non_null(task);
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        sum->of[i] += counts->of[i];
    }
}

static void counts_by_task__sum_up_to_the_counts(void **state)
{
    (void)state;
    struct stk_counts all;
    struct stk_counts sum = { 0 };
    OK(stk_store_counts(store, 0, &all, &err));
    OK(stk_store_counts_by_task(store, add_task_counts, &sum, &err));
    assert_memory_equal(&all, &sum, sizeof(all));
}

static void find_bad(void *context, enum stk_finding level, const char *text)
{
    if (level == STK_FINDING_BAD) fail_msg("%s", text);
    ++*(int *)context;
}

static void doctor__finds_nothing_wrong_with_all_of_this(void **state)
{
    (void)state;
    int findings = 0;
    OK(stk_store_doctor(store, true, find_bad, &findings, &err));
    assert_true(findings > 3);
    OK(stk_store_tend(store, true, &err));
}

int conformance_counters(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counters__equal_the_rows_after_a_random_walk),
        cmocka_unit_test(counts_by_task__sum_up_to_the_counts),
        cmocka_unit_test(doctor__finds_nothing_wrong_with_all_of_this),
    };
    return cmocka_run_group_tests_name("store/counters", tests, NULL, NULL);
}
