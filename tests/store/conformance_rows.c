/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with transactions, tasks, pools and events.
 */
#include "store/jobs.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* --- transactions -------------------------------------------------------- */

static void savepoint__undo_takes_back_one_call_of_a_transaction(void **state)
{
    (void)state;
    int64_t task = make_task("undo");
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted kept = { 0 };
    struct stk_submitted undone = { 0 };
    struct stk_counts before;
    struct stk_counts after;
    OK(stk_store_counts(store, 0, &before, &err));
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &kept, &err));
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_submit(store, &new_job, 1, NOW, &undone, &err));
    stk_store_savepoint_undo(store);
    commit();
    OK(stk_store_counts(store, 0, &after, &err));
    assert_int_equal(after.of[STK_STATE_PENDING], before.of[STK_STATE_PENDING] + 1);
    assert_int_equal(state_of(kept.id), STK_STATE_PENDING);
    assert_int_equal(stk_store_job(store, undone.id, see_job, &(struct seen){ 0 }, NULL),
                     STK_NOT_FOUND);
}

static void task__made_in_a_rolled_back_transaction_does_not_exist(void **state)
{
    (void)state;
    int64_t id = 0;
    begin();
    OK(stk_store_task(store, "ghost", "ghost", &id, &err));
    stk_store_rollback(store);
    struct stk_new_job new_job = plain_job(id, "{}");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
    assert_true(make_task("ghost") >= id); /* a sequence may leave a gap */
}

static void task__goes_to_another_queue_and_its_old_jobs_stay(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = make_task("moves");
    int64_t moved = 0;
    (void)submit(id);
    begin();
    OK(stk_store_task(store, "moves", "moved-to", &moved, &err));
    commit();
    assert_int_equal(moved, id);
    (void)submit(id);
    assert_int_equal(claim("moves", 8, &got), 1);
    assert_int_equal(claim("moved-to", 8, &got), 1);
}

/* --- pools and events ---------------------------------------------------- */

static void see_pool(void *context, const struct stk_pool_row *row)
{
    struct stk_pool_row *wanted = context;
    if (row->id != wanted->id) return;
    *wanted = *row;
    wanted->ended = row->ended == NULL ? NULL : strcmp(row->ended, "stopped") == 0 ? "s" : "l";
}

static void pool__beats_until_it_has_stopped(void **state)
{
    (void)state;
    struct stk_pool_row row = { 0 };
    const struct stk_pool_said said = { .state = STK_POOL_RUNNING };
    begin();
    OK(stk_store_pool_start(store, "host", 42, 3, BORN, &row.id, &err));
    OK(stk_store_pool_beat(store, row.id, &said, NOW + 5, &err));
    commit();
    OK(stk_store_pools(store, 100, see_pool, &row, &err));
    assert_int_equal(row.pid, 42);
    assert_int_equal(row.beat_at, NOW + 5);
    assert_int_equal(row.stopped_at, STK_NEVER);
    assert_null(row.ended);

    begin();
    OK(stk_store_pool_stop(store, row.id, NOW + 9, &err));
    assert_int_equal(stk_store_pool_beat(store, row.id, &said, NOW + 10, &err), STK_CONFLICT);
    commit();
    OK(stk_store_pools(store, 100, see_pool, &row, &err));
    assert_int_equal(row.stopped_at, NOW + 9);
    assert_string_equal(row.ended, "s");
}

struct seen_events {
    int64_t ids[16];
    char texts[16][32];
    size_t count;
};

static void see_event(void *context, const struct stk_event *event)
{
    struct seen_events *seen = context;
    seen->ids[seen->count] = event->id;
    copy_text(seen->texts[seen->count++], sizeof(seen->texts[0]), event->text);
}

static void events__are_read_on_from_the_last_one_seen(void **state)
{
    (void)state;
    struct seen_events newest = { .count = 0 };
    struct seen_events next = { .count = 0 };
    begin();
    for (int i = 0; i < 4; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "event %d", i);
        struct stk_event event = { .text = text, .actor = "ada" };
        OK(stk_store_event(store, STK_EVENT_SWEEP_CREATED, &event, NOW, &err));
    }
    commit();
    OK(stk_store_events(store, 0, 0, 3, see_event, &newest, &err));
    assert_int_equal(newest.count, 3);
    assert_string_equal(newest.texts[0], "event 1");
    assert_string_equal(newest.texts[2], "event 3");
    /* Shared: they wait until no older transaction of the server can add one before them. */
    stk_time_ns deadline = stk_clock_mono() + 10 * STK_SECOND;
    while (next.count == 0 && stk_clock_mono() < deadline) {
        OK(stk_store_events(store, newest.ids[0], 0, 16, see_event, &next, &err));
    }
    assert_int_equal(next.count, 2);
    assert_string_equal(next.texts[0], "event 2");
}

int conformance_rows(void)
{
    const struct CMUnitTest tests[] = {
        TEST(savepoint__undo_takes_back_one_call_of_a_transaction),
        TEST(task__made_in_a_rolled_back_transaction_does_not_exist),
        TEST(task__goes_to_another_queue_and_its_old_jobs_stay),
        TEST(pool__beats_until_it_has_stopped),
        TEST(events__are_read_on_from_the_last_one_seen),
    };
    return cmocka_run_group_tests_name("store/rows", tests, NULL, NULL);
}
