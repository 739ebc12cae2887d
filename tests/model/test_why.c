/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/text.h"
#include "model/why.h"

#define NOW ((stk_time_ns)1795489800 * STK_SECOND) /* 2026-11-24T03:10:00Z */

/* A job that may start at once, in a pool that has all eight workers free. */
static const struct stk_why_facts usual = {
    .state = STK_STATE_PENDING,
    .task = "backtest",
    .queue = "lab",
    .ready_at = NOW - STK_SECOND,
    .started_at = STK_NEVER,
    .finished_at = STK_NEVER,
    .attempts_max = 3,
    .ahead = -1,
    .pools = 1,
    .workers = 8,
    .id = 5,
};

static void assert_says(const struct stk_why_facts *facts, const char *wanted)
{
    char text[600];
    stk_why_sentence(facts, NOW, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void why__a_completed_job_says_when(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_COMPLETED;
    facts.ready_at = STK_NEVER;
    facts.finished_at = NOW - 90 * STK_SECOND;
    facts.attempt = 1;
    assert_says(&facts, "completed at 2026-11-24T03:08:30.000Z (1m 30s ago), attempt 1 of 3");
}

static void why__a_failed_job_says_its_error_and_how_to_try_again(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_FAILED;
    facts.ready_at = STK_NEVER;
    facts.finished_at = NOW - 5 * STK_SECOND;
    facts.attempt = 3;
    facts.error = "exit status 1";
    assert_says(&facts, "failed at 2026-11-24T03:09:55.000Z (5s ago), attempt 3 of 3: exit status "
                        "1; try it again with: stoker retry 5");
}

static void why__a_cancelled_job_that_never_ran_names_no_attempt(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_CANCELLED;
    facts.ready_at = STK_NEVER;
    facts.error = "by anna: wrong data";
    assert_says(&facts, "cancelled: by anna: wrong data; try it again with: stoker retry 5");
}

static void why__a_running_job_says_where_and_for_how_long(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_RUNNING;
    facts.ready_at = STK_NEVER;
    facts.started_at = NOW - 12 * STK_SECOND;
    facts.attempt = 2;
    facts.worker = "w3 of pool a1";
    assert_says(&facts, "running on w3 of pool a1 for 12s, attempt 2 of 3");
}

static void why__a_running_job_that_is_cancelled_says_so(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_RUNNING;
    facts.started_at = NOW + STK_SECOND; /* another machine's clock */
    facts.attempt = 4;                   /* past its maximum */
    facts.cancel_requested = true;
    assert_says(&facts, "running for 0s, attempt 4; it is being stopped: a person cancelled it");
}

static void why__a_pending_job_asked_to_cancel_does_not_start_again(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.cancel_requested = true;
    assert_says(&facts, "a person cancelled it: it will not be started again");
}

static void why__a_held_job_says_what_would_let_it_go(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.ready_at = STK_NEVER;
    facts.held = "unknown_task";
    assert_says(&facts, "held: this pool's stoker.yaml has no task \"backtest\"; it goes on by "
                        "itself when a pool knows the task");
}

static void why__a_job_held_for_no_reason_is_called_a_bug(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.ready_at = STK_NEVER;
    assert_says(&facts, "held, and no reason is recorded: this is a bug in stoker");
}

static void why__without_a_pool_says_how_to_start_one(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.pools = 0;
    facts.workers = 0;
    facts.queue_paused = true;
    assert_says(&facts, "no pool is running: start one with: stoker up");
}

static void why__a_pool_that_paused_itself_says_why(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.pool_pause = "no room on the disk";
    assert_says(&facts, "the pool has paused itself: no room on the disk; it goes on by itself "
                        "when that is over");
}

static void why__a_paused_queue_says_by_whom_and_how_to_resume(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.queue_paused = true;
    facts.queue_reason = "by anna: maintenance";
    assert_says(&facts,
                "queue \"lab\" is paused by anna: maintenance; resume it with: stoker queue "
                "resume lab");
    facts.queue_reason = "maintenance";
    assert_says(&facts, "queue \"lab\" is paused: maintenance; resume it with: stoker queue resume "
                        "lab");
    facts.queue_reason = NULL;
    assert_says(&facts, "queue \"lab\" is paused; resume it with: stoker queue resume lab");
}

static void why__a_job_between_attempts_says_when_and_what_failed(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.ready_at = NOW + 250 * STK_SECOND + 125 * STK_MS;
    facts.attempt = 1;
    facts.error = "exit status 1\nTraceback: ...";
    char text[600];
    stk_why_sentence(&facts, NOW, text, sizeof(text));
    assert_non_null(strstr(text, "waits until 2026-11-24T03:14:10.125Z (in 4m 10s) to be tried "
                                 "again: attempt 1 of 3 failed: exit status 1"));
    assert_null(strstr(text, "Traceback"));
}

static void why__a_throttled_job_says_that_it_was_told_to_wait(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.ready_at = NOW + STK_MINUTE;
    facts.throttles = 2;
    assert_says(&facts, "waits until 2026-11-24T03:11:00.000Z (in 1m): it was told to come back "
                        "later (2 so far)");
}

static void why__a_job_submitted_for_later_says_when(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.ready_at = NOW + STK_HOUR;
    assert_says(&facts, "waits until 2026-11-24T04:10:00.000Z (in 1h): that is when it was asked "
                        "to start");
}

static void why__busy_workers_say_how_many_jobs_are_in_front(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.workers_busy = 8;
    assert_says(&facts, "all 8 workers are busy");
    facts.ahead = 0;
    assert_says(&facts, "all 8 workers are busy; it is the next one of its queue");
    facts.ahead = 1;
    assert_says(&facts, "all 8 workers are busy; 1 job is in front of it");
    facts.ahead = 1000;
    facts.ahead_is_more = true;
    assert_says(&facts, "all 8 workers are busy; more than 1000 jobs are in front of it");
    facts.workers = 1;
    facts.workers_busy = 1;
    facts.ahead = -1;
    assert_says(&facts, "the only worker is busy");
    facts.workers = 0;
    facts.workers_busy = 0;
    assert_says(&facts, "no running pool has a worker: start one with: stoker up");
}

static void why__a_free_worker_means_any_moment(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.workers_busy = 7;
    facts.ahead = 2;
    assert_says(&facts, "starts any moment: 1 of 8 workers is free; 2 jobs are in front of it");
}

static void why__is_cut_to_its_room_between_characters(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.queue_paused = true;
    facts.queue_reason = "äöüäöüäöüäöü";
    for (size_t size = 1; size < 60; size++) {
        char text[60];
        memset(text, 'x', sizeof(text));
        stk_why_sentence(&facts, NOW, text, size);
        assert_true(strlen(text) < size);
        assert_true(stk_utf8_is_valid(text, strlen(text)));
    }
}

static void why__shows_no_control_characters_of_an_error(void **unused)
{
    (void)unused;
    struct stk_why_facts facts = usual;
    facts.state = STK_STATE_FAILED;
    facts.error = "\x1b[31mred\r";
    char text[600];
    stk_why_sentence(&facts, NOW, text, sizeof(text));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\r'));
}

static void remote__tells_of_the_next_poll_or_why_there_is_none(void **state)
{
    (void)state;
    struct stk_remote remote = { .phase = STK_REMOTE_HANDLE,
                                 .submitted_at = 100 * STK_SECOND,
                                 .poll_at = 165 * STK_SECOND,
                                 .progress = 0.4 };
    struct stk_why_facts facts = { .state = STK_STATE_RUNNING, .remote = &remote, .pools = 1 };
    char text[400];
    stk_why_sentence(&facts, 160 * STK_SECOND, text, sizeof(text));
    assert_string_equal(text, "running at the authority since 1m, 40 % done, asked again in 5s");
    facts.session = "session \"lab\" needs a person";
    remote.progress = -1;
    stk_why_sentence(&facts, 160 * STK_SECOND, text, sizeof(text));
    assert_string_equal(text, "running at the authority since 1m; it is not asked now: session "
                              "\"lab\" needs a person");
    facts.session = NULL;
    facts.worker = "p1/w3";
    remote.phase = STK_REMOTE_FETCH;
    stk_why_sentence(&facts, 160 * STK_SECOND, text, sizeof(text));
    assert_string_equal(text, "finished at the authority, its result is still to be read since 1m, "
                              "being asked by p1/w3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remote__tells_of_the_next_poll_or_why_there_is_none),
        cmocka_unit_test(why__a_completed_job_says_when),
        cmocka_unit_test(why__a_failed_job_says_its_error_and_how_to_try_again),
        cmocka_unit_test(why__a_cancelled_job_that_never_ran_names_no_attempt),
        cmocka_unit_test(why__a_running_job_says_where_and_for_how_long),
        cmocka_unit_test(why__a_running_job_that_is_cancelled_says_so),
        cmocka_unit_test(why__a_pending_job_asked_to_cancel_does_not_start_again),
        cmocka_unit_test(why__a_held_job_says_what_would_let_it_go),
        cmocka_unit_test(why__a_job_held_for_no_reason_is_called_a_bug),
        cmocka_unit_test(why__without_a_pool_says_how_to_start_one),
        cmocka_unit_test(why__a_pool_that_paused_itself_says_why),
        cmocka_unit_test(why__a_paused_queue_says_by_whom_and_how_to_resume),
        cmocka_unit_test(why__a_job_between_attempts_says_when_and_what_failed),
        cmocka_unit_test(why__a_throttled_job_says_that_it_was_told_to_wait),
        cmocka_unit_test(why__a_job_submitted_for_later_says_when),
        cmocka_unit_test(why__busy_workers_say_how_many_jobs_are_in_front),
        cmocka_unit_test(why__a_free_worker_means_any_moment),
        cmocka_unit_test(why__is_cut_to_its_room_between_characters),
        cmocka_unit_test(why__shows_no_control_characters_of_an_error),
    };
    return cmocka_run_group_tests_name("model/why", tests, NULL, NULL);
}
