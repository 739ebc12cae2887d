/* SPDX-License-Identifier: MIT
 *
 * What holds between two that share a store: `store` and `other` are two
 * processes' connections, here in one, so that each order of their steps can be
 * had.
 */
#include "store/pg/pg.h"

#include "store/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct stk_store *other;

static struct stk_store *open_another(void)
{
    struct stk_store_options options = { .command = "conformance, the other" };
    struct stk_store *opened = NULL;
    OK(stk_store_open(getenv("STK_TEST_STORE"), &options, &opened, &err));
    return opened;
}

static int open_both(void **state)
{
    (void)run_open(state);
    other = open_another();
    return 0;
}

static int close_both(void **state)
{
    stk_store_close(other);
    return run_close(state);
}

static int rollback_both(void **state)
{
    stk_store_rollback(other);
    return run_rollback(state);
}

static void other_begins(void)
{
    OK(stk_store_begin(other, &err));
}

static void other_commits(void)
{
    OK(stk_store_commit(other, &err));
}

static struct stk_settle completed(const struct stk_claim *claim)
{
    return (struct stk_settle){
        .id = claim->id,
        .attempt_id = claim->attempt_id,
        .outcome = STK_OUTCOME_COMPLETED,
        .to = { .state = STK_STATE_COMPLETED, .ready_at = STK_NEVER, .counts = true },
        .result = "1",
        .result_len = 1,
        .exit_status = 0,
    };
}

/* --- words ----------------------------------------------------------------- */

static void task__that_the_other_has_made_keeps_its_id(void **state)
{
    (void)state;
    int64_t here = make_task("shared"); /* the other read its words before, or never */
    int64_t there = 0;
    (void)make_task("shared-next");
    other_begins();
    OK(stk_store_task(other, "shared", "shared", &there, &err));
    OK(stk_store_task(other, "shared-there", "shared", &there, &err));
    other_commits();
    int64_t last = there;
    begin();
    OK(stk_store_task(store, "shared-there", "shared", &there, &err));
    assert_int_equal(there, last);
    OK(stk_store_task(store, "shared", "shared", &there, &err));
    assert_int_equal(there, here);
    commit();
}

static void take_none(void *context, const struct stk_claim *claim)
{
    (void)context;
    fail_msg("job %lld was claimed", (long long)claim->id);
}

static void queue__that_the_other_pauses_gives_no_job_at_once(void **state)
{
    (void)state;
    uint32_t slot = 1;
    size_t got = 0;
    (void)submit(make_task("pause-there"));
    int64_t queue = queue_id("pause-there");
    other_begins();
    OK(stk_store_queue_pause(other, "pause-there", true, "a reason", "ann", NOW, &err));
    other_commits();

    begin();
    OK(stk_store_claim(store, queue, pool, &slot, 1, NOW, take_none, NULL, &got, &err));
    commit();
    assert_int_equal(got, 0);
}

/* --- sweeps ---------------------------------------------------------------- */

static void sweep__is_taken_by_one_at_a_time(void **state)
{
    (void)state;
    int64_t sweep = 0;
    int64_t task = make_task("sweep-taken");
    begin();
    OK(stk_store_sweep_new(store, "s", task, "{}", 3, NOW, &sweep, &err));
    commit();

    begin();
    OK(stk_store_sweep_take(store, sweep, &err));
    other_begins();
    assert_int_equal(stk_store_sweep_take(other, sweep, &err), STK_BUSY);
    assert_int_equal(stk_store_sweep_take(other, sweep + 1000, &err), STK_NOT_FOUND);
    commit();
    OK(stk_store_sweep_take(other, sweep, &err));
    other_commits();
}

/* --- cancels --------------------------------------------------------------- */

struct heard {
    int64_t ids[8];
    size_t count;
};

static void hear(void *context, int64_t job_id)
{
    struct heard *heard = context;
    assert_in_range(heard->count, 0, STK_ARRAY_LEN(heard->ids) - 1);
    heard->ids[heard->count++] = job_id;
}

static struct heard heard_now(void)
{
    struct heard heard = { 0 };
    begin();
    OK(stk_store_cancels(store, pool, hear, &heard, &err));
    commit();
    return heard;
}

static void other_cancels(int64_t id)
{
    struct stk_job_range range = { .first = id, .last = id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    other_begins();
    OK(stk_store_cancel(other, &range, "no need", "ann", NOW, &bulk, NULL, NULL, &err));
    other_commits();
    assert_int_equal(bulk.asked, 1);
    assert_true((stk_store_hints(other) & (1U << STK_HINT_CANCELS)) != 0);
}

static void retry(int64_t id)
{
    struct stk_job_range range = { .first = id, .last = id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_retry(store, &range, NULL, "ann", NOW, &bulk, &err));
    commit();
    assert_int_equal(bulk.changed, 1);
}

static void cancel__by_the_other_is_heard_once(void **state)
{
    (void)state;
    (void)submit(make_task("cancel-there"));
    struct stk_claim claim = claim_one("cancel-there");
    other_cancels(claim.id);

    struct heard heard = heard_now();
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.ids[0], claim.id);
    assert_int_equal(heard_now().count, 0);
    assert_true(see(claim.id).job.cancel_requested);
    assert_true(settle(completed(&claim)));
}

static void cancel__of_an_attempt_that_has_ended_is_not_heard_by_the_next(void **state)
{
    (void)state;
    (void)submit(make_task("cancel-late"));
    struct stk_claim claim = claim_one("cancel-late");
    other_cancels(claim.id);
    assert_true(settle(completed(&claim)));
    retry(claim.id);
    claim = claim_one("cancel-late");
    assert_int_equal(heard_now().count, 0);

    other_cancels(claim.id); /* what was left of the first does not hide it */
    assert_int_equal(heard_now().count, 1);
    assert_true(settle(completed(&claim)));
}

/* --- commits whose answer was lost ------------------------------------------- */

static void park(const char *queue, stk_time_ns poll_at)
{
    struct stk_remote remote = { .phase = STK_REMOTE_HANDLE, .handle = "h", .poll_at = poll_at };
    (void)submit(make_task(queue));
    struct stk_claim claim = claim_one(queue);
    struct stk_settle parked = { .id = claim.id,
                                 .attempt_id = claim.attempt_id,
                                 .outcome = STK_OUTCOME_PARKED,
                                 .to = { .state = STK_STATE_RUNNING, .counts = true },
                                 .remote = &remote,
                                 .exit_status = -1 };
    assert_true(settle(parked));
}

static void keep_polled(void *context, const struct stk_claim *claim)
{
    *(struct stk_claim *)context = *claim;
}

static struct stk_claim poll_one(const char *queue)
{
    struct stk_claim claim = { 0 };
    uint32_t slot = 3;
    size_t got = 0;
    begin();
    OK(stk_store_claim_polls(store, queue_id(queue), pool, &slot, 1, NOW, keep_polled, &claim, &got,
                             &err));
    commit();
    assert_int_equal(got, 1);
    claim.params = NULL;
    return claim;
}

static void give_back(const struct stk_claim *claim)
{
    struct live live = { .id = claim->id, .attempt_id = claim->attempt_id };
    begin();
    OK(stk_pg_claims_back(downcast(store), &live, 1, &err));
    commit();
}

static void lost__claim_is_pending_again_and_cost_no_attempt(void **state)
{
    (void)state;
    (void)submit(make_task("lost"));
    struct stk_claim claim = claim_one("lost");
    give_back(&claim);
    assert_int_equal(state_of(claim.id), STK_STATE_PENDING);
    claim = claim_one("lost");
    assert_int_equal(claim.attempt, 1);
    assert_true(settle(completed(&claim)));
}

static void lost__poll_is_parked_again_and_never_submitted_twice(void **state)
{
    (void)state;
    park("lost-poll", NOW);
    struct stk_claim claim = poll_one("lost-poll");
    give_back(&claim);
    struct seen seen = see(claim.id);
    assert_int_equal(seen.job.state, STK_STATE_RUNNING);
    assert_int_equal(seen.job.worker, 0);

    int64_t before = claim.attempt_id;
    claim = poll_one("lost-poll");
    assert_int_equal(claim.id, seen.job.id);
    assert_int_not_equal(claim.attempt_id, before);
    assert_int_equal(claim.attempt, 1);
    assert_true(settle(completed(&claim)));
}

/* --- lists ----------------------------------------------------------------- */

enum { LISTED_MAX = 400 };

struct listed {
    struct {
        int64_t id, sweep_id;
        enum stk_state state;
        char task[40];
    } jobs[LISTED_MAX];
    size_t count;
};

static void keep_listed(void *context, const struct stk_job *job)
{
    struct listed *listed = context;
    assert_in_range(listed->count, 0, LISTED_MAX - 1);
    size_t at = listed->count++;
    listed->jobs[at].id = job->id;
    listed->jobs[at].sweep_id = job->sweep_id;
    listed->jobs[at].state = job->state;
    (void)snprintf(listed->jobs[at].task, sizeof(listed->jobs[at].task), "%s", job->task);
}

static bool is_meant(const struct listed *all, size_t at, const struct stk_job_filter *filter)
{
    return (filter->state < 0 || (int)all->jobs[at].state == filter->state) &&
           (filter->task == NULL || strcmp(all->jobs[at].task, filter->task) == 0) &&
           (filter->sweep_id == 0 || all->jobs[at].sweep_id == filter->sweep_id);
}

/* Page by page, against what a walk over all jobs finds. */
static void check_list(const struct listed *all, struct stk_job_filter filter)
{
    size_t at = 0;
    filter.after_id = 0;
    for (size_t got = filter.limit; got == filter.limit;) {
        struct listed page = { 0 };
        OK(stk_store_jobs(other, &filter, keep_listed, &page, &err));
        for (size_t i = 0; i < page.count; i++, at++) {
            while (at < all->count && !is_meant(all, at, &filter))
                at++;
            assert_true(at < all->count);
            assert_int_equal(page.jobs[i].id, all->jobs[at].id);
            filter.after_id = page.jobs[i].id;
        }
        got = page.count;
    }
    for (; at < all->count; at++) {
        if (is_meant(all, at, &filter)) {
            fail_msg("job %lld is not listed: state %d, task %s, sweep %lld, %s",
                     (long long)all->jobs[at].id, filter.state,
                     filter.task != NULL ? filter.task : "any", (long long)filter.sweep_id,
                     filter.ascending ? "up" : "down");
        }
    }
}

static void check_lists(bool ascending, const char *const tasks[3], int64_t sweep)
{
    struct listed all = { 0 };
    struct stk_job_filter filter = { .state = -1, .ascending = ascending, .limit = LISTED_MAX - 1 };
    OK(stk_store_jobs(store, &filter, keep_listed, &all, &err));
    filter.limit = 7;
    for (filter.state = -1; filter.state < STK_STATE_COUNT_; filter.state++) {
        for (size_t i = 0; i < 3; i++) {
            filter.task = tasks[i];
            filter.sweep_id = 0;
            check_list(&all, filter);
            filter.sweep_id = sweep;
            check_list(&all, filter);
        }
    }
}

static void submit_many(int64_t task, int64_t sweep, int from, int to)
{
    begin();
    for (int i = from; i < to; i++) {
        STK_CLEANUP(stk_freep) char *params = stk_format("{\"n\":%d}", i);
        struct stk_new_job job = { .task_id = task,
                                   .sweep_id = sweep,
                                   .params = params,
                                   .params_len = strlen(params),
                                   .ready_at = i % 5 == 0 ? NOW + STK_HOUR : 0,
                                   .priority = i % 3 };
        struct stk_submitted made = { 0 };
        OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    }
    commit();
}

/* Jobs of the queue in every state. */
static void settle_some(const char *queue)
{
    for (int i = 0; i < 12; i++) {
        struct stk_claim claim = claim_one(queue);
        struct stk_settle done = completed(&claim);
        if (i % 4 == 0) {
            done.outcome = STK_OUTCOME_FAILED_FINAL;
            done.to.state = STK_STATE_FAILED;
            done.result = NULL;
            done.error = "it failed";
        }
        if (i % 4 != 1) assert_true(settle(done)); /* the others stay running */
        if (i % 4 == 3) retry(claim.id);
    }
}

static void cancel_from(int64_t first, int64_t last)
{
    struct stk_job_range range = { .first = first, .last = last, .state = STK_STATE_PENDING };
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_cancel(store, &range, NULL, "ann", NOW, &bulk, NULL, NULL, &err));
    commit();
    assert_true(bulk.changed > 0);
}

static void lists__are_what_a_walk_over_all_jobs_finds(void **state)
{
    (void)state;
    static const char *const tasks[3] = { NULL, "list-a", "list-b" };
    const struct stk_pool_said said = { .state = STK_POOL_RUNNING };
    int64_t a = make_task("list-a"), b = make_task("list-b"), sweep = 0, last = 0;
    begin();
    OK(stk_store_sweep_new(store, NULL, a, "{}", 60, NOW, &sweep, &err));
    commit();
    submit_many(a, sweep, 0, 30);
    submit_many(b, 0, 0, 30);
    submit_many(a, 0, 30, 60);
    settle_some("list-a");
    settle_some("list-b");
    OK(stk_store_last_job(store, &last, &err));
    cancel_from(last - 9, last);
    check_lists(false, tasks, sweep);
    begin();
    OK(stk_store_pool_beat(store, pool, &said, NOW, &err)); /* running ones are found by it, too */
    commit();
    check_lists(true, tasks, sweep);
}

/* --- pools ----------------------------------------------------------------- */

struct pool_seen {
    int64_t id;
    struct stk_pool_said said;
    char reason[64];
};

static void see_own(void *context, const struct stk_pool_row *row)
{
    struct pool_seen *seen = context;
    if (row->id != seen->id) return;
    seen->said = row->said;
    (void)snprintf(seen->reason, sizeof(seen->reason), "%s",
                   row->said.reason == NULL ? "none" : row->said.reason);
}

/* Each state of the model is one that the schema takes. */
static void pool__is_seen_by_the_other_as_it_says(void **state)
{
    (void)state;
    struct pool_seen seen = { .id = pool };
    for (int i = 0; i < STK_POOL_SAID_COUNT_; i++) {
        const struct stk_pool_said says = { .state = (enum stk_pool_state)i,
                                            .reason = i % 2 == 0 ? NULL : "a reason",
                                            .per_s = 2.5 * i };
        begin();
        OK(stk_store_pool_beat(store, pool, &says, NOW, &err));
        commit();
        OK(stk_store_pools(other, STK_PAGE_MAX, see_own, &seen, &err));
        assert_int_equal(seen.said.state, i);
        assert_string_equal(seen.reason, i % 2 == 0 ? "none" : "a reason");
        assert_true(seen.said.per_s == 2.5 * i);
    }
}

/* --- events ---------------------------------------------------------------- */

static void keep_text(void *context, const struct stk_event *event)
{
    struct stk_buf *texts = context;
    stk_buf_addf(texts, "%s;", event->text);
}

static void keep_id(void *context, const struct stk_event *event)
{
    *(int64_t *)context = event->id;
}

static void add_event(struct stk_store *to, const char *text)
{
    struct stk_event event = { .text = text };
    OK(stk_store_event(to, STK_EVENT_POOL_PAUSED, &event, NOW, &err));
}

static void events__are_followed_without_a_gap(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf texts = STK_BUF_INIT;
    int64_t last = 0;
    OK(stk_store_events(other, 0, 0, 1, keep_id, &last, &err));
    begin();
    add_event(store, "first");
    OK(stk_store_events(store, 0, 0, 1, keep_id, &(int64_t){ 0 }, &err)); /* it is sent */
    other_begins();
    add_event(other, "second");
    other_commits();
    OK(stk_store_events(other, last, 0, 10, keep_text, &texts, &err));
    assert_string_equal(stk_buf_str(&texts), ""); /* the second must not be read first */
    commit();
    OK(stk_store_events(other, last, 0, 10, keep_text, &texts, &err));
    assert_string_equal(stk_buf_str(&texts), "first;second;");
}

static void keep_settled(void *context, const struct stk_event *event)
{
    if (event->is_settled) *(int64_t *)context = event->id;
}

/* The older transaction takes the newer id, and is there first. */
static void events__of_an_older_transaction_that_adds_last_hide_none(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf texts = STK_BUF_INIT;
    struct stk_store *third = open_another();
    int64_t last = 0;
    begin();
    add_event(store, "0");
    commit();
    begin();
    add_event(store, "a");
    OK(stk_store_events(store, 0, 0, 1, keep_id, &last, &err)); /* it is sent */
    other_begins();
    add_event(other, "b");
    OK(stk_store_events(other, 0, 0, 1, keep_id, &last, &err));
    add_event(store, "c");
    commit();

    OK(stk_store_events(third, 0, 0, 10, keep_settled, &last, &err));
    other_commits();
    OK(stk_store_events(third, last, 0, 10, keep_text, &texts, &err));
    assert_string_equal(stk_buf_str(&texts), "b;");
    stk_store_close(third);
}

static void event__of_broken_utf8_is_written_all_the_same(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf texts = STK_BUF_INIT;
    begin();
    add_event(store, "bad \xff byte");
    commit();
    OK(stk_store_events(other, 0, 0, 1, keep_text, &texts, &err));
    assert_string_equal(stk_buf_str(&texts), "bad \\xff byte;");
}

/* --- counters -------------------------------------------------------------- */

static void counters__added_up_by_both_stay_what_they_are(void **state)
{
    (void)state;
    struct stk_counts before, after;
    submit_many(make_task("fold"), 0, 0, 20);
    OK(stk_store_counts(store, 0, &before, &err));
    begin();
    OK(stk_store_task(store, "fold", "fold", &(int64_t){ 0 }, &err));
    OK(stk_store_tend(other, true, &err)); /* beside a transaction under way */
    commit();
    OK(stk_store_tend(store, true, &err));
    OK(stk_store_counts(store, 0, &after, &err));
    assert_memory_equal(&before, &after, sizeof(before));
}

#define TEST(name) cmocka_unit_test_teardown(name, rollback_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(task__that_the_other_has_made_keeps_its_id),
        TEST(queue__that_the_other_pauses_gives_no_job_at_once),
        TEST(sweep__is_taken_by_one_at_a_time),
        TEST(cancel__by_the_other_is_heard_once),
        TEST(cancel__of_an_attempt_that_has_ended_is_not_heard_by_the_next),
        TEST(lost__claim_is_pending_again_and_cost_no_attempt),
        TEST(lost__poll_is_parked_again_and_never_submitted_twice),
        TEST(lists__are_what_a_walk_over_all_jobs_finds),
        TEST(pool__is_seen_by_the_other_as_it_says),
        TEST(events__are_followed_without_a_gap),
        TEST(events__of_an_older_transaction_that_adds_last_hide_none),
        TEST(event__of_broken_utf8_is_written_all_the_same),
        TEST(counters__added_up_by_both_stay_what_they_are),
    };
    return cmocka_run_group_tests_name("shared", tests, open_both, close_both);
}
