/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do when an attempt ends.
 */
#include "store/jobs.h"

#include <string.h>

#include "base/buf.h"

static void settle__completed_keeps_the_result(void **state)
{
    (void)state;
    int64_t id = submit(make_task("completed"));
    struct stk_claim got = claim_one("completed");
    assert_true(settle(completed(&got, "{\"sharpe\":1.5}")));
    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_COMPLETED);
    assert_string_equal(seen.result, "{\"sharpe\":1.5}");
    assert_string_equal(seen.error, "(null)");
    assert_int_equal(seen.job.finished_at, NOW);
    assert_int_equal(seen.job.attempt, 1);
    assert_int_equal(seen.job.attempt_id, 0);
    assert_string_equal(attempts(id).text, "1 completed -;");
}

static void settle__stores_a_text_result_as_a_json_string(void **state)
{
    (void)state;
    int64_t id = submit(make_task("text-result"));
    struct stk_claim got = claim_one("text-result");
    struct stk_settle done = completed(&got, "say \"hi\"\n");
    done.result_is_text = true;
    assert_true(settle(done));
    assert_string_equal(see(id).result, "\"say \\\"hi\\\"\\n\"");
}

static void settle__with_no_result_is_completed_too(void **state)
{
    (void)state;
    int64_t id = submit(make_task("no-result"));
    struct stk_claim got = claim_one("no-result");
    assert_true(settle(completed(&got, NULL)));
    assert_string_equal(see(id).result, "(null)");
}

static void settle__with_an_old_attempt_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    int64_t id = submit(make_task("old-attempt"));
    struct stk_claim got = claim_one("old-attempt");
    struct stk_claim old = got;
    old.attempt_id++;
    assert_false(settle(completed(&old, "{\"stale\":1}")));
    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_RUNNING);
    assert_int_equal(seen.job.attempt_id, got.attempt_id);
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_LATE), 1);
    assert_true(settle(completed(&got, "{\"right\":1}")));
}

static void settle__a_second_time_is_refused(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("second"));
    struct stk_claim got = claim_one("second");
    assert_true(settle(completed(&got, "{\"first\":1}")));
    assert_false(settle(completed(&got, "{\"second\":1}")));
    assert_false(settle(ended(&got, STK_OUTCOME_FAILED, &once, "late failure")));
    assert_string_equal(see(id).result, "{\"first\":1}");
    assert_int_equal(attempts(id).count, 1);
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_LATE), 2);
}

static void settle__of_a_result_that_is_no_json_fails_its_job_alone(void **state)
{
    (void)state;
    int64_t task = make_task("bad-result");
    (void)submit(task);
    (void)submit(task);
    struct claims got;
    assert_int_equal(claim("bad-result", 2, &got), 2);
    struct stk_settle both[2] = { completed(&got.claims[0], "{broken"),
                                  completed(&got.claims[1], "{}") };
    begin();
    OK(stk_store_settle(store, both, 2, NOW, &err));
    commit();
    assert_true(both[0].accepted);
    assert_true(both[1].accepted);
    struct seen seen = see(got.claims[0].id);
    assert_int_equal(seen.job.state, STK_STATE_FAILED);
    assert_string_equal(seen.error, "its result is not valid JSON");
    assert_string_equal(seen.result, "(null)");
    assert_string_equal(attempts(seen.job.id).text, "1 failed_final its result is not valid JSON;");
    assert_int_equal(state_of(got.claims[1].id), STK_STATE_COMPLETED);
}

static void settle__of_a_move_the_schema_forbids_fails_the_job(void **state)
{
    (void)state;
    int64_t id = submit(make_task("forbidden"));
    struct stk_claim got = claim_one("forbidden");
    struct stk_settle wrong = completed(&got, NULL);
    wrong.outcome = STK_OUTCOME_FAILED;
    wrong.to = (struct stk_transition){ .state = STK_STATE_PENDING, .ready_at = STK_NEVER };
    assert_true(settle(wrong));
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_FAILED), 1);
    assert_false(settle(completed(&got, NULL)));
}

static void settle__failed_with_attempts_left_waits_and_keeps_the_attempt(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    struct claims none;
    int64_t id = submit(make_task("failed-once"));
    struct stk_claim got = claim_one("failed-once");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED, &thrice, "exit status 1")));

    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_true(seen.job.ready_at > NOW);
    assert_int_equal(seen.job.attempt, 1);
    assert_int_equal(seen.job.started_at, STK_NEVER);
    assert_string_equal(seen.error, "exit status 1");
    assert_string_equal(attempts(id).text, "1 failed exit status 1;");
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_FAILED), 1);
    assert_int_equal(stk_store_next_due(store), seen.job.ready_at);
    assert_int_equal(claim("failed-once", 1, &none), 0);

    assert_int_equal(promote(seen.job.ready_at), 1);
    got = claim_one("failed-once");
    assert_int_equal(got.attempt, 2);
    assert_true(settle(completed(&got, "{}")));
    assert_string_equal(see(id).error, "(null)");
    assert_string_equal(attempts(id).text, "1 failed exit status 1;2 completed -;");
}

static void settle__failed_at_last_keeps_the_error_and_the_note(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("failed"));
    struct stk_claim got = claim_one("failed");
    struct stk_settle failed = ended(&got, STK_OUTCOME_FAILED, &once, "exit status 1");
    assert_non_null(failed.to.note);
    assert_true(settle(failed));
    struct seen seen = see(id);
    assert_int_equal(seen.job.state, STK_STATE_FAILED);
    assert_int_equal(seen.job.finished_at, NOW);
    assert_non_null(strstr(seen.error, "exit status 1"));
    assert_non_null(strstr(seen.error, failed.to.note));
}

static void settle__failed_without_a_sentence_gets_one(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("speechless"));
    struct stk_claim got = claim_one("speechless");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED_FINAL, &once, NULL)));
    assert_non_null(strstr(see(id).error, stk_outcome_meaning(STK_OUTCOME_FAILED_FINAL)));
}

static void keep_len(void *context, const struct stk_job *of)
{
    *(size_t *)context = strlen(of->error);
}

static void settle__cuts_a_long_error_at_a_whole_character(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    struct stk_buf error = STK_BUF_INIT;
    stk_buf_addc(&error, 'x');
    while (error.len < 2 * STK_ERROR_BYTES_MAX) {
        stk_buf_adds(&error, "ë");
    }
    int64_t id = submit(make_task("long-error"));
    struct stk_claim got = claim_one("long-error");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED_FINAL, &once, stk_buf_str(&error))));
    size_t len = 0;
    OK(stk_store_job(store, id, keep_len, &len, &err));
    assert_int_equal(len, STK_ERROR_BYTES_MAX - 1);
    stk_buf_release(&error);
}

/* An outcome that does not count gives the attempt back and raises a counter. */
static void settle__that_does_not_count_gives_the_attempt_back(void **state)
{
    (void)state;
    static const enum stk_outcome given_back[] = { STK_OUTCOME_THROTTLED, STK_OUTCOME_SESSION_LOST,
                                                   STK_OUTCOME_INTERRUPTED };
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    int64_t id = submit(make_task("given-back"));
    for (size_t i = 0; i < STK_ARRAY_LEN(given_back); i++) {
        struct stk_claim got = claim_one("given-back");
        assert_int_equal(got.attempt, 1);
        assert_true(settle(ended(&got, given_back[i], &thrice, NULL)));
        assert_int_equal(state_of(id), STK_STATE_PENDING);
    }
    struct seen seen = see(id);
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(seen.job.throttles, 1);
    assert_int_equal(seen.job.session_waits, 1);
    assert_int_equal(seen.job.interruptions, 1);
    assert_string_equal(attempts(id).text, "1 interrupted -;");
}

static void settle__interrupted_too_often_quarantines_the_job(void **state)
{
    (void)state;
    struct stk_retry bound = STK_RETRY_DEFAULT;
    bound.interruptions_max = 2;
    int64_t id = submit(make_task("killer"));
    for (int i = 0; i < 3; i++) {
        struct stk_claim got = claim_one("killer");
        assert_true(settle(ended(&got, STK_OUTCOME_INTERRUPTED, &bound, "its pool died")));
    }
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(see(id).job.interruptions, 3);
    assert_int_equal(events_of(id, STK_EVENT_JOB_QUARANTINED), 1);
}

static void settle__unknown_task_holds_the_job_until_it_is_released(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    struct claims none;
    int64_t task = make_task("unknown");
    int64_t first = submit(task);
    (void)submit(task);
    for (int i = 0; i < 2; i++) {
        struct stk_claim got = claim_one("unknown");
        assert_true(settle(ended(&got, STK_OUTCOME_UNKNOWN_TASK, &thrice, NULL)));
    }
    struct seen seen = see(first);
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_string_equal(seen.held, "unknown_task");
    assert_int_equal(seen.job.ready_at, STK_NEVER);
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(claim("unknown", 8, &none), 0);
    assert_int_equal(events_of(first, STK_EVENT_JOB_HELD), 1);

    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_release_held(store, task, NOW, &bulk, &err));
    commit();
    assert_int_equal(bulk.changed, 2);
    assert_false(bulk.more);
    assert_string_equal(see(first).held, "(null)");
    assert_int_equal(claim("unknown", 8, &none), 2);
}

int conformance_settle(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settle__completed_keeps_the_result),
        TEST(settle__stores_a_text_result_as_a_json_string),
        TEST(settle__with_no_result_is_completed_too),
        TEST(settle__with_an_old_attempt_is_refused_and_changes_nothing),
        TEST(settle__a_second_time_is_refused),
        TEST(settle__of_a_result_that_is_no_json_fails_its_job_alone),
        TEST(settle__of_a_move_the_schema_forbids_fails_the_job),
        TEST(settle__failed_with_attempts_left_waits_and_keeps_the_attempt),
        TEST(settle__failed_at_last_keeps_the_error_and_the_note),
        TEST(settle__failed_without_a_sentence_gets_one),
        TEST(settle__cuts_a_long_error_at_a_whole_character),
        TEST(settle__that_does_not_count_gives_the_attempt_back),
        TEST(settle__interrupted_too_often_quarantines_the_job),
        TEST(settle__unknown_task_holds_the_job_until_it_is_released),
    };
    return cmocka_run_group_tests_name("store/settle", tests, NULL, NULL);
}
