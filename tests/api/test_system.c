/* SPDX-License-Identifier: MIT
 *
 * Sweeps, queues, status, events, logs and doctor over the API, without a pool.
 */
#include "api/house.h"

#include <stdio.h>
#include <string.h>

#define ASK(method, path, body) \
    STK_CLEANUP(stk_json_freep) \
    json_t *answer = house_ask(*state, method, path, body)

#define SWEEP "{'task': 'backtest', 'axes': [['fast', '1:3'], ['slow', '10,20']]}"

static void ask(void **state, const char *method, const char *path, const char *body)
{
    ASK(method, path, body);
    assert_non_null(answer);
}

/* --- sweeps -------------------------------------------------------------- */

static void sweep__makes_one_job_a_point(void **state)
{
    {
        ASK("POST", "/sweeps", SWEEP);
        assert_int_equal(house_int(answer, "sweep_id"), 1);
        assert_int_equal(house_int(answer, "points"), 6);
        assert_int_equal(house_int(answer, "new"), 6);
        assert_int_equal(house_int(answer, "existing"), 0);
        assert_true(json_is_true(house_at(answer, "filled")));
    }
    ASK("GET", "/sweeps/last?wait=1s", NULL);
    assert_int_equal(house_int(answer, "id"), 1);
    assert_true(json_is_null(house_at(answer, "name")));
    assert_string_equal(house_text(answer, "task"), "backtest");
    assert_int_equal(house_int(answer, "points"), 6);
    assert_int_equal(house_int(answer, "done"), 6);
    assert_int_equal(house_int(answer, "new"), 6);
    assert_int_equal(house_int(answer, "counts.pending"), 6);
    assert_true(json_is_null(house_at(answer, "finished_at")));
    assert_true(json_is_null(house_at(answer, "eta_s"))); /* nothing has ended yet */
    assert_true(json_is_null(house_at(answer, "error")));
    assert_string_equal(house_text(answer, "recipe.parts.0.axes.0.1"), "1:3");
}

static void sweep__dry_run_stores_nothing(void **state)
{
    {
        ASK("POST", "/sweeps",
            "{'task': 'backtest', 'axes': [['fast', '1:100'], ['slow', '1:100']], 'dry_run': "
            "true}");
        assert_int_equal(house_int(answer, "points"), 10000);
        assert_int_equal(json_array_size(house_at(answer, "sample")), 10);
        assert_int_equal(house_int(answer, "sample.1.slow"), 2);
    }
    ASK("GET", "/sweeps", NULL);
    assert_int_equal(json_array_size(house_at(answer, "sweeps")), 0);
    assert_true(json_is_null(house_at(answer, "next")));
}

static void sweep__extend_adds_only_what_is_new(void **state)
{
    ask(state, "POST", "/sweeps", SWEEP);
    {
        ASK("POST", "/sweeps/last/extend", "{'axes': [['fast', '3:5'], ['slow', '10,20']]}");
        assert_int_equal(house_int(answer, "sweep_id"), 1);
        assert_int_equal(house_int(answer, "points"), 6);
        assert_int_equal(house_int(answer, "new"), 4);
        assert_int_equal(house_int(answer, "existing"), 2);
    }
    {
        ASK("POST", "/sweeps/1/extend",
            "{'axes': [['fast', '9'], ['slow', '9']], 'dry_run': true}");
        assert_int_equal(house_int(answer, "points"), 1);
    }
    ASK("GET", "/sweeps/1", NULL);
    assert_int_equal(house_int(answer, "points"), 10);
    assert_int_equal(house_int(answer, "done"), 10);
    assert_int_equal(house_int(answer, "new"), 10);
    assert_int_equal(house_int(answer, "existing"), 2);
}

static void sweep__refusals(void **state)
{
    house_refuses(*state, "POST", "/sweeps", "{}", STK_INVALID, "task is missing: which one?");
    house_refuses(*state, "POST", "/sweeps", "{'task': 'nop', 'axes': []}", STK_NOT_FOUND,
                  "unknown task \"nop\"; did you mean \"noop\"?");
    house_refuses(*state, "POST", "/sweeps",
                  "{'task': 'backtest', 'axes': [['fast', '1:100'], ['slow', '1']], "
                  "'points_max': 50}",
                  STK_TOO_LARGE, "this sweep would make 100 jobs; say --yes to go on");
    house_refuses(*state, "POST", "/sweeps", "{'task': 'backtest', 'points_max': 0}", STK_INVALID,
                  "points_max must be at least 1, not 0");
    house_refuses(*state, "GET", "/sweeps/1", NULL, STK_NOT_FOUND, "there is no sweep 1");
    house_refuses(*state, "POST", "/sweeps/7/extend", "{}", STK_NOT_FOUND, "there is no sweep 7");
    house_refuses(*state, "GET", "/sweeps/x", NULL, STK_INVALID,
                  "a sweep is named by its number or as last, not \"x\"");
}

static void sweeps__come_newest_first_without_recipes(void **state)
{
    ask(state, "POST", "/sweeps", SWEEP);
    ask(state, "POST", "/sweeps", SWEEP);
    ask(state, "POST", "/sweeps", SWEEP);
    {
        ASK("GET", "/sweeps?limit=2", NULL);
        assert_int_equal(house_int(answer, "sweeps.0.id"), 3);
        assert_null(json_object_get(house_at(answer, "sweeps.0"), "recipe"));
        assert_int_equal(house_int(answer, "next"), 2);
    }
    ASK("GET", "/sweeps?limit=1&before=2", NULL);
    assert_int_equal(house_int(answer, "sweeps.0.id"), 1);
    assert_true(json_is_null(house_at(answer, "next")));
}

static void sweep__cancel_and_retry_leave_completed_jobs_alone(void **state)
{
    struct house *house = *state;
    ask(state, "POST", "/sweeps", SWEEP);
    (void)house_work(house, "backtest", STK_OUTCOME_COMPLETED, "1");
    (void)house_work(house, "backtest", STK_OUTCOME_FAILED, "it broke");
    {
        ASK("POST", "/sweeps/1/cancel", "{'reason': 'wrong data'}");
        assert_int_equal(house_int(answer, "changed"), 4);
        assert_int_equal(house_int(answer, "skipped"), 2);
    }
    {
        ASK("POST", "/sweeps/last/retry", NULL);
        assert_int_equal(house_int(answer, "changed"), 5);
        assert_int_equal(house_int(answer, "skipped"), 1);
    }
    {
        ASK("GET", "/sweeps/1", NULL);
        assert_int_equal(house_int(answer, "counts.completed"), 1);
        assert_int_equal(house_int(answer, "counts.pending"), 5);
    }
    ASK("POST", "/jobs/retry", "{'selector': 'sweep:1'}"); /* nothing is left to put back */
    assert_int_equal(house_int(answer, "changed"), 0);
    assert_int_equal(house_int(answer, "skipped"), 6);
}

static void sweep__says_its_pace(void **state)
{
    struct house *house = *state;
    ask(state, "POST", "/sweeps", SWEEP);
    (void)house_work(house, "backtest", STK_OUTCOME_COMPLETED, "1");
    house->now += 10 * STK_SECOND;
    ASK("GET", "/sweeps/1", NULL);
    double per_s = json_real_value(house_at(answer, "per_s"));
    double eta_s = json_real_value(house_at(answer, "eta_s"));
    assert_true(per_s > 0.05 && per_s < 0.15);
    assert_true(eta_s > 40 && eta_s < 60);
}

/* --- queues -------------------------------------------------------------- */

static void queue__is_closed_and_opened_by_name(void **state)
{
    struct house *house = *state;
    {
        ASK("POST", "/queues/other/pause", "{'reason': 'maintenance'}");
        assert_true(json_is_true(house_at(answer, "paused")));
        assert_string_equal(house_text(answer, "by"), "anna");
    }
    ask(state, "POST", "/jobs", "{'task': 'fail'}");
    {
        ASK("GET", "/queues", NULL);
        const json_t *queues = house_at(answer, "queues");
        assert_int_equal(json_array_size(queues), 3);
        assert_string_equal(house_text(queues, "0.queue"), "other");
        assert_string_equal(house_text(queues, "0.reason"), "maintenance");
        assert_int_equal(house_int(queues, "0.pending"), 1);
        assert_true(json_is_false(house_at(queues, "1.paused")));
    }
    {
        ASK("GET", "/status", NULL);
        assert_string_equal(house_text(answer, "problems.0"),
                            "no pool is running, and 1 job is pending: start one with: stoker up");
        assert_string_equal(house_text(answer, "problems.1"),
                            "queue \"other\" is paused by anna: maintenance");
    }
    {
        ASK("POST", "/queues/%6fther/resume", "{}");
        assert_true(json_is_false(house_at(answer, "paused")));
        assert_true(json_is_null(house_at(answer, "reason")));
    }
    house_refuses(house, "POST", "/queues/nope/pause", NULL, STK_NOT_FOUND,
                  "there is no queue \"nope\"");
    house_refuses(house, "POST", "/queues/other/resume", "{'reason': 'x'}", STK_INVALID,
                  "unknown member \"reason\"");
}

/* --- the rest ------------------------------------------------------------ */

static void status__knows_tasks_that_have_no_jobs_yet(void **state)
{
    struct house *house = *state;
    ASK("GET", "/status", NULL);
    assert_int_equal(house_int(answer, "jobs.pending"), 0);
    assert_int_equal(json_array_size(house_at(answer, "tasks")), 3);
    assert_string_equal(house_text(answer, "tasks.0.task"), "backtest");
    assert_int_equal(json_array_size(house_at(answer, "pools")), 0);
    assert_int_equal(json_array_size(house_at(answer, "workers")), 0);
    assert_int_equal(json_array_size(house_at(answer, "sessions")), 0);
    assert_int_equal(json_array_size(house_at(answer, "problems")), 0);
    assert_true(json_is_null(house_at(answer, "eta_s")));
    assert_string_equal(house_text(answer, "store"), house->settings->store);
    assert_string_equal(house_text(answer, "version"), STK_VERSION);
}

static void status__names_failed_jobs_and_those_of_a_dead_pool(void **state)
{
    struct house *house = *state;
    ask(state, "POST", "/jobs", "{'task': 'fail'}");
    ask(state, "POST", "/jobs", "{'task': 'noop'}");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");
    (void)house_work(house, "noop", -1, NULL);
    ASK("GET", "/status", NULL);
    assert_int_equal(house_int(answer, "jobs.failed"), 1);
    assert_string_equal(house_text(answer, "problems.0"),
                        "a pool died with 1 job running: stoker up gives it back");
    assert_string_equal(house_text(answer, "problems.1"),
                        "1 job has failed: see stoker jobs --state failed");
}

static void events__are_followed_by_next(void **state)
{
    int64_t next = 0;
    ask(state, "POST", "/queues/other/pause", NULL);
    {
        ASK("GET", "/events", NULL);
        size_t count = json_array_size(house_at(answer, "events"));
        assert_true(count > 0);
        next = house_int(answer, "next");
        assert_int_equal(json_integer_value(json_object_get(
                             json_array_get(house_at(answer, "events"), count - 1), "id")),
                         next);
    }
    char path[64];
    (void)snprintf(path, sizeof path, "/events?after=%lld", (long long)next);
    {
        ASK("GET", path, NULL);
        assert_int_equal(json_array_size(house_at(answer, "events")), 0);
        assert_int_equal(house_int(answer, "next"), next);
    }
    ask(state, "POST", "/queues/other/resume", NULL);
    ASK("GET", path, NULL);
    assert_string_equal(house_text(answer, "events.0.kind"), "queue.resumed");
    assert_string_equal(house_text(answer, "events.0.queue"), "other");
}

static void events__of_one_job(void **state)
{
    struct house *house = *state;
    ask(state, "POST", "/jobs", "{'task': 'fail'}");
    ask(state, "POST", "/jobs", "{'task': 'fail'}");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");
    (void)house_work(house, "other", STK_OUTCOME_FAILED, "it broke");
    ASK("GET", "/events?job=2", NULL);
    assert_int_equal(json_array_size(house_at(answer, "events")), 1);
    assert_int_equal(house_int(answer, "events.0.job"), 2);
    assert_string_equal(house_text(answer, "events.0.kind"), "attempt.failed");
}

static void logs__without_a_pool_say_where_the_files_are(void **state)
{
    struct house *house = *state;
    char sentence[256];
    (void)snprintf(sentence, sizeof sentence,
                   "no pool is running: lines of earlier ones are in the files of %s",
                   house->settings->logs);
    house_refuses(house, "GET", "/logs", NULL, STK_UNAVAILABLE, sentence);
    house_refuses(house, "GET", "/logs?worker=0", NULL, STK_INVALID,
                  "worker must be a number from 1 to 256, or pool, not \"0\"");
}

static void doctor__looks_at_the_store_and_the_tasks(void **state)
{
    struct house *house = *state;
    house->settings->tasks[0].executor = STK_EXECUTOR_COMMAND;
    house->settings->tasks[0].argv[0][1] = 'X'; /* /bin/true is no longer there */
    ASK("GET", "/doctor?deep=true", NULL);
    const json_t *findings = house_at(answer, "findings");
    bool found = false;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        bool is_bad = strcmp(house_text(finding, "level"), "bad") == 0;
        found = found || is_bad;
        if (is_bad) {
            assert_string_equal(
                house_text(finding, "text"),
                "task \"backtest\": could not start /Xin/true: No such file or directory");
        }
    }
    assert_true(found);
}

int main(void)
{
#define WITH_HOUSE(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(sweep__makes_one_job_a_point),
        WITH_HOUSE(sweep__dry_run_stores_nothing),
        WITH_HOUSE(sweep__extend_adds_only_what_is_new),
        WITH_HOUSE(sweep__refusals),
        WITH_HOUSE(sweeps__come_newest_first_without_recipes),
        WITH_HOUSE(sweep__cancel_and_retry_leave_completed_jobs_alone),
        WITH_HOUSE(sweep__says_its_pace),
        WITH_HOUSE(queue__is_closed_and_opened_by_name),
        WITH_HOUSE(status__knows_tasks_that_have_no_jobs_yet),
        WITH_HOUSE(status__names_failed_jobs_and_those_of_a_dead_pool),
        WITH_HOUSE(events__are_followed_by_next),
        WITH_HOUSE(events__of_one_job),
        WITH_HOUSE(logs__without_a_pool_say_where_the_files_are),
        WITH_HOUSE(doctor__looks_at_the_store_and_the_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
