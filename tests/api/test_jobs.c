/* SPDX-License-Identifier: MIT
 *
 * Jobs over the API: submitted, listed, looked at, cancelled, put back.
 */
#include "api/house.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

#define ASK(method, path, body) \
    STK_CLEANUP(stk_json_freep) \
    json_t *answer = house_ask(*state, method, path, body)

static void submit(void **state, const char *body)
{
    ASK("POST", "/jobs", body);
    assert_int_equal(house_int(answer, "existing"), 0);
}

static void submit_noops(void **state, int count)
{
    for (int i = 0; i < count; i++) {
        submit(state, "{'task': 'noop'}");
    }
}

/* --- submit -------------------------------------------------------------- */

static void submit__stores_one_job_with_its_defaults(void **state)
{
    {
        ASK("POST", "/jobs",
            "{'task': 'backtest', 'params': {'fast': 5, 'slow': 50}, 'priority': 7}");
        assert_int_equal(house_int(answer, "first_id"), 1);
        assert_int_equal(house_int(answer, "last_id"), 1);
        assert_int_equal(house_int(answer, "count"), 1);
        assert_int_equal(house_int(answer, "existing"), 0);
    }
    ASK("GET", "/jobs/1", NULL);
    assert_string_equal(house_text(answer, "state"), "pending");
    assert_string_equal(house_text(answer, "queue"), "backtest");
    assert_int_equal(house_int(answer, "priority"), 7);
    assert_int_equal(house_int(answer, "params.fast"), 5);
    assert_true(json_real_value(house_at(answer, "params.cost")) == 0.5);
    assert_true(json_is_null(house_at(answer, "result")));
    assert_true(json_is_null(house_at(answer, "worker")));
    assert_true(json_is_null(house_at(answer, "sweep_id")));
}

static void submit__reads_text_params_by_type(void **state)
{
    submit(state, "{'task': 'backtest', 'text_params': {'fast': '5', 'slow': '50', 'cost': '1'}}");
    ASK("GET", "/jobs/last", NULL);
    assert_int_equal(house_int(answer, "params.slow"), 50);
    assert_true(json_is_real(house_at(answer, "params.cost")));
}

static void submit__refuses_what_the_task_does_not_take(void **state)
{
    house_refuses(*state, "POST", "/jobs", "{'params': {}}", STK_INVALID,
                  "task is missing: which one?");
    house_refuses(*state, "POST", "/jobs", "{'task': 'bactest'}", STK_NOT_FOUND,
                  "unknown task \"bactest\"; did you mean \"backtest\"?");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'params': [1]}", STK_INVALID,
                  "params must be an object of parameters");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'params': {}, 'text_params': {}}",
                  STK_INVALID, "only one of params, text_params and file can be given");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'priority': 3000000000}", STK_INVALID,
                  "priority must be from -2147483648 to 2147483647, not 3000000000");
}

static void submit__with_at_waits(void **state)
{
    struct house *house = *state;
    submit(state, "{'task': 'noop', 'at': '+1h30m'}");
    submit(state, "{'task': 'noop', 'at': '2100-01-01T00:00:00Z'}");
    {
        ASK("GET", "/jobs/1/why", NULL);
        const char *why = house_text(answer, "why");
        assert_string_equal(house_text(answer, "state"), "pending");
        assert_non_null(strstr(why, "no pool is running"));
    }
    ASK("GET", "/jobs/2", NULL);
    assert_string_equal(house_text(answer, "ready_at"), "2100-01-01T00:00:00.000Z");
    house_refuses(house, "POST", "/jobs", "{'task': 'noop', 'at': 'noon'}", STK_INVALID,
                  "at must be a time such as 2026-11-24T03:10:00Z or a wait such as +1h30m, not "
                  "\"noon\"");
    house_refuses(house, "POST", "/jobs", "{'task': 'noop', 'at': '+40000d'}", STK_INVALID,
                  "at must be a time such as 2026-11-24T03:10:00Z or a wait such as +1h30m, not "
                  "\"+40000d\"");
}

static void submit__under_a_key_stores_once(void **state)
{
    static const char body[] =
        "{'task': 'backtest', 'params': {'fast': 1, 'slow': 2}, 'key': 'k1'}";
    submit(state, body);
    {
        ASK("POST", "/jobs", body);
        assert_int_equal(house_int(answer, "first_id"), 1);
        assert_int_equal(house_int(answer, "existing"), 1);
    }
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'key': ''}", STK_INVALID,
                  "key must be 1 to 128 bytes without control characters");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'key': 'a\\nb'}", STK_INVALID,
                  "key must be 1 to 128 bytes without control characters");
}

static void submit__under_a_key_with_other_params_is_a_conflict(void **state)
{
    struct house *house = *state;
    submit(state, "{'task': 'backtest', 'params': {'fast': 1, 'slow': 2}, 'key': 'k1'}");
    house_refuses(house, "POST", "/jobs",
                  "{'task': 'backtest', 'params': {'fast': 1, 'slow': 3}, 'key': 'k1'}",
                  STK_CONFLICT, "key \"k1\" is taken by job 1 with other parameters");
}

static void submit__takes_a_file_of_one_object_a_line(void **state)
{
    ASK("POST", "/jobs",
        "{'task': 'backtest', 'file': {'name': 'p.jsonl', 'text': "
        "'{\\'fast\\': 1, \\'slow\\': 2}\\n\\n{\\'fast\\': 1, \\'slow\\': 2}\\n'}}");
    assert_int_equal(house_int(answer, "first_id"), 1);
    assert_int_equal(house_int(answer, "last_id"), 2);
    assert_int_equal(house_int(answer, "count"), 2);
}

static void submit__stores_nothing_of_a_file_with_a_bad_line(void **state)
{
    house_refuses(
        *state, "POST", "/jobs",
        "{'task': 'backtest', 'file': {'name': 'p.jsonl', 'text': "
        "'{\\'fast\\': 1, \\'slow\\': 2}\\n{\\'fast\\': 0, \\'slow\\': 2}\\n'}}",
        STK_BAD_DATA,
        "p.jsonl:2: parameter \"fast\" of task \"backtest\": 0 is below the minimum of 1");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'file': {'nam': 'x'}}", STK_INVALID,
                  "unknown member \"nam\" (did you mean \"name\"?)");
    house_refuses(*state, "POST", "/jobs", "{'task': 'noop', 'file': {'name': 'x'}}", STK_INVALID,
                  "file has no text");
    house_refuses(*state, "POST", "/jobs",
                  "{'task': 'noop', 'key': 'k', 'file': {'name': 'x', 'text': ''}}", STK_INVALID,
                  "key goes with one job, not with a file of them");
    house_refuses(*state, "GET", "/jobs/last", NULL, STK_NOT_FOUND, "there is no job yet");
}

static void submit__takes_a_file_of_more_than_one_transaction(void **state)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf body = STK_BUF_INIT;
    stk_buf_adds(&body, "{'task': 'noop', 'priority': 3, 'file': {'name': 'p.jsonl', 'text': '");
    for (int i = 0; i < 2500; i++) {
        stk_buf_adds(&body, "{}\\n");
    }
    stk_buf_adds(&body, "'}}");

    ASK("POST", "/jobs", stk_buf_str(&body));
    assert_int_equal(house_int(answer, "count"), 2500);
    assert_int_equal(house_int(answer, "last_id"), 2500);
}

/* --- lists --------------------------------------------------------------- */

static void jobs__come_newest_first_in_pages(void **state)
{
    submit_noops(state, 5);
    {
        ASK("GET", "/jobs?limit=2", NULL);
        assert_int_equal(house_int(answer, "jobs.0.id"), 5);
        assert_int_equal(house_int(answer, "jobs.1.id"), 4);
        assert_int_equal(house_int(answer, "next"), 4);
    }
    {
        ASK("GET", "/jobs?limit=3&before=4", NULL);
        assert_int_equal(house_int(answer, "jobs.0.id"), 3);
        assert_int_equal(json_array_size(house_at(answer, "jobs")), 3);
        assert_true(json_is_null(house_at(answer, "next"))); /* full, and the last */
    }
    ASK("GET", "/jobs?before=1", NULL);
    assert_int_equal(json_array_size(house_at(answer, "jobs")), 0);
    assert_true(json_is_null(house_at(answer, "next")));
}

static void jobs__are_filtered_by_state_and_task(void **state)
{
    struct house *house = *state;
    submit_noops(state, 2);
    submit(state, "{'task': 'fail'}");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");
    {
        ASK("GET", "/jobs?state=failed", NULL);
        assert_int_equal(json_array_size(house_at(answer, "jobs")), 1);
        assert_string_equal(house_text(answer, "jobs.0.task"), "fail");
        assert_string_equal(house_text(answer, "jobs.0.error"), "it broke (attempts used up)");
    }
    {
        ASK("GET", "/jobs?task=noop&state=pending", NULL);
        assert_int_equal(json_array_size(house_at(answer, "jobs")), 2);
    }
    ASK("GET", "/jobs?task=noop&state=completed", NULL);
    assert_int_equal(json_array_size(house_at(answer, "jobs")), 0);
}

static void jobs__of_what_does_not_exist_are_refused(void **state)
{
    house_refuses(*state, "GET", "/jobs?task=nop", NULL, STK_NOT_FOUND,
                  "unknown task \"nop\"; did you mean \"noop\"?");
    house_refuses(*state, "GET", "/jobs?sweep=9", NULL, STK_NOT_FOUND, "there is no sweep 9");
    house_refuses(*state, "GET", "/jobs?sweep=x", NULL, STK_INVALID,
                  "a sweep is named by its number or as last, not \"x\"");
    house_refuses(*state, "GET", "/jobs/99", NULL, STK_NOT_FOUND, "there is no job 99");
    house_refuses(*state, "GET", "/jobs/99/why", NULL, STK_NOT_FOUND, "there is no job 99");
    house_refuses(*state, "GET", "/jobs/0", NULL, STK_INVALID,
                  "a job is named by its number or as last, not \"0\"");
}

static void job__shows_its_attempts_and_why(void **state)
{
    struct house *house = *state;
    submit(state, "{'task': 'fail'}");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");

    ASK("GET", "/jobs/last", NULL);
    assert_string_equal(house_text(answer, "state"), "failed");
    assert_non_null(strstr(house_text(answer, "why"), "it broke"));
    assert_int_equal(house_int(answer, "attempts.0.attempt"), 1);
    assert_string_equal(house_text(answer, "attempts.0.outcome"), "failed");
    assert_int_equal(house_int(answer, "attempts.0.exit_status"), 3);
    assert_int_equal(strlen(house_text(answer, "attempts.0.attempt_id")), 16);
    assert_string_equal(house_text(answer, "attempts.0.worker"), "p1/w1");
}

static void results__come_oldest_first_with_their_parameters(void **state)
{
    struct house *house = *state;
    submit_noops(state, 3);
    (void)house_work(house, "noop", STK_OUTCOME_COMPLETED, "{\"sharpe\":0.4}");
    (void)house_work(house, "noop", STK_OUTCOME_COMPLETED, "[1,2]");
    {
        ASK("GET", "/results?task=noop&limit=1", NULL);
        assert_int_equal(house_int(answer, "results.0.id"), 1);
        assert_true(json_real_value(house_at(answer, "results.0.result.sharpe")) == 0.4);
        assert_int_equal(house_int(answer, "next"), 1);
    }
    ASK("GET", "/results?after=1", NULL);
    assert_int_equal(json_array_size(house_at(answer, "results")), 1);
    assert_int_equal(house_int(answer, "results.0.result.1"), 2);
    assert_true(json_is_null(house_at(answer, "next")));
}

/* --- cancel and retry ---------------------------------------------------- */

static void cancel__counts_what_it_did(void **state)
{
    struct house *house = *state;
    submit_noops(state, 4);
    (void)house_work(house, "noop", STK_OUTCOME_COMPLETED, "1");
    (void)house_work(house, "noop", -1, NULL);
    {
        ASK("POST", "/jobs/cancel", "{'selector': '1-3', 'reason': 'not needed'}");
        assert_int_equal(house_int(answer, "changed"), 1);
        assert_int_equal(house_int(answer, "asked"), 1);
        assert_int_equal(house_int(answer, "skipped"), 1);
    }
    {
        ASK("GET", "/jobs/2", NULL);
        assert_true(json_is_true(house_at(answer, "cancel_requested")));
    }
    ASK("GET", "/events", NULL);
    const json_t *event =
        json_array_get(house_at(answer, "events"), json_array_size(house_at(answer, "events")) - 1);
    assert_string_equal(house_text(event, "kind"), "jobs.cancelled");
    assert_string_equal(house_text(event, "by"), "anna");
}

static void cancel__refuses_selectors_that_select_nothing(void **state)
{
    house_refuses(*state, "POST", "/jobs/cancel", "{}", STK_INVALID,
                  "selector is missing: 5, 1-10, last or sweep:3");
    house_refuses(*state, "POST", "/jobs/cancel", "{'selector': 'all'}", STK_INVALID,
                  "\"all\" does not select jobs: write a job's number (5), a range (1-10), last, "
                  "sweep:3 or sweep:last");
    house_refuses(*state, "POST", "/jobs/cancel", "{'selector': '7'}", STK_NOT_FOUND,
                  "there is no job 7");
    house_refuses(*state, "POST", "/jobs/cancel", "{'selector': 'last'}", STK_NOT_FOUND,
                  "there is no job yet");
    house_refuses(*state, "POST", "/jobs/retry", "{'selector': 'sweep:7'}", STK_NOT_FOUND,
                  "there is no sweep 7");
}

static void cancel__goes_on_in_steps_until_all_are_done(void **state)
{
    submit__takes_a_file_of_more_than_one_transaction(state);
    ASK("POST", "/jobs/cancel", "{'selector': '1-100000'}");
    assert_int_equal(house_int(answer, "changed"), 2500);
    assert_int_equal(house_int(answer, "skipped"), 0);
}

static void retry__puts_failed_jobs_back(void **state)
{
    struct house *house = *state;
    submit(state, "{'task': 'fail'}");
    submit(state, "{'task': 'fail'}");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");
    {
        ASK("POST", "/jobs/retry", "{'selector': '1-2'}");
        assert_int_equal(house_int(answer, "changed"), 1);
        assert_int_equal(house_int(answer, "skipped"), 1);
    }
    ASK("GET", "/jobs/1", NULL);
    assert_string_equal(house_text(answer, "state"), "pending");
    assert_int_equal(house_int(answer, "retries"), 1);
    assert_string_equal(house_text(answer, "attempts.0.outcome"), "failed");
}

static void a_reason_has_a_limit(void **state)
{
    char body[600];
    char reason[402];
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    (void)snprintf(body, sizeof body, "{'selector': '1', 'reason': '%s'}", reason);
    house_refuses(*state, "POST", "/jobs/retry", body, STK_INVALID,
                  "reason has 401 bytes; at most 400 are kept");
}

int main(void)
{
#define WITH_HOUSE(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(submit__stores_one_job_with_its_defaults),
        WITH_HOUSE(submit__reads_text_params_by_type),
        WITH_HOUSE(submit__refuses_what_the_task_does_not_take),
        WITH_HOUSE(submit__with_at_waits),
        WITH_HOUSE(submit__under_a_key_stores_once),
        WITH_HOUSE(submit__under_a_key_with_other_params_is_a_conflict),
        WITH_HOUSE(submit__takes_a_file_of_one_object_a_line),
        WITH_HOUSE(submit__stores_nothing_of_a_file_with_a_bad_line),
        WITH_HOUSE(submit__takes_a_file_of_more_than_one_transaction),
        WITH_HOUSE(jobs__come_newest_first_in_pages),
        WITH_HOUSE(jobs__are_filtered_by_state_and_task),
        WITH_HOUSE(jobs__of_what_does_not_exist_are_refused),
        WITH_HOUSE(job__shows_its_attempts_and_why),
        WITH_HOUSE(results__come_oldest_first_with_their_parameters),
        WITH_HOUSE(cancel__counts_what_it_did),
        WITH_HOUSE(cancel__refuses_selectors_that_select_nothing),
        WITH_HOUSE(cancel__goes_on_in_steps_until_all_are_done),
        WITH_HOUSE(retry__puts_failed_jobs_back),
        WITH_HOUSE(a_reason_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
