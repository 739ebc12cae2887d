/* SPDX-License-Identifier: MIT
 *
 * Against a responder in this process. No case waits for a time but for an event.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "exec/http.h"
#include "exec/responder.h"
#include "model/http_task.h"
#include "model/settings.h"

static const char accepted[] = "201 Created\r\nLocation: /t/1\r\nRetry-After: 5.0\r\n\r\n";
static const char running[] = "200 OK\r\n\r\n{\"progress\":0.5}";
static const char done[] = "200 OK\r\n\r\n{\"status\":\"COMPLETE\",\"result\":\"r 1\"}";
static const char login_page[] = "200 OK\r\nContent-Type: text/html; "
                                 "charset=utf-8\r\n\r\n<form><input type=\"password\"></form>";

struct stage {
    struct responder *responder;
    struct stk_settings *settings;
    struct stk_runner *runner;
    struct stk_exec_result result;
    struct stk_exec_job job;
    struct stk_secret *headers;
    unsigned noted;        /* submits that the store has noted */
    unsigned asked_before; /* requests read when the last was noted */
    enum stk_rc note_rc;
    struct stk_buf lines;
};

/* `more`: further lines under http:, each indented by six. */
static void make_task(struct stage *stage, const char *more)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format(
        "tasks:\n  sim:\n    params: {n: int}\n    session: lab\n    time_limit: 10s\n    http:\n"
        "      submit: {url: \"http://127.0.0.1:%u/t?n={n}\", json: \"{params}\", headers: {X-Job: "
        "\"j{job}\"}}\n"
        "      handle: {header: Location}\n"
        "      poll: {url: \"{handle}\", every: 5s}\n"
        "      running: {missing: /status}\n"
        "      completed: {pointer: /status, in: [COMPLETE, WARNING]}\n"
        "      failed: {pointer: /status, in: [ERROR]}\n"
        "      progress: /progress\n"
        "      message: /message\n%s"
        "sessions: {lab: {provider: operator, lifetime: 1h}}\n",
        responder_port(stage->responder), more);
    if (stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err) != STK_OK ||
        stk_settings_read(root, "/tmp", &stage->settings, &err) != STK_OK) {
        fail_msg("%s", err.text);
    }
    stage->job.task = stk_settings_task(stage->settings, "sim");
}

static enum stk_rc note_submit(void *context, struct stk_error *err)
{
    struct stage *stage = context;
    stage->noted++;
    stage->asked_before = responder_asked(stage->responder);
    return stage->note_rc == STK_OK ? STK_OK : stk_fail(err, stage->note_rc, "the disk is full");
}

static struct stage *make_stage(const char *more)
{
    struct stage *stage = stk_alloc(sizeof *stage);
    stage->responder = responder_start();
    stage->runner = stk_http_runner_new();
    stage->headers = stk_secret_new("Cookie: t=secret1\n", strlen("Cookie: t=secret1\n"));
    stage->job = (struct stk_exec_job){ .id = 7,
                                        .params = "{\"n\":3}",
                                        .params_len = strlen("{\"n\":3}"),
                                        .headers = stage->headers,
                                        .remote = { .progress = -1 },
                                        .note_submit = note_submit,
                                        .note_context = stage };
    make_task(stage, more);
    return stage;
}

static void end_stage(struct stage **stage)
{
    stk_runner_free((*stage)->runner);
    stk_exec_result_release(&(*stage)->result);
    stk_settings_free((*stage)->settings);
    stk_secret_free((*stage)->headers);
    stk_buf_release(&(*stage)->lines);
    responder_stop((*stage)->responder);
    free(*stage);
}
#define STAGE(name, more) STK_CLEANUP(end_stage) struct stage *name = make_stage(more)

static void keep_line(void *context, enum stk_stream stream, const char *line, size_t len)
{
    struct stage *stage = context;
    (void)stream;
    stk_buf_add(&stage->lines, line, len);
    stk_buf_addc(&stage->lines, '\n');
}

static enum stk_outcome run(struct stage *stage)
{
    stk_exec_run(stage->runner, &stage->job, keep_line, stage, &stage->result);
    return stage->result.outcome;
}

static enum stk_outcome run_after(struct stage *stage, const char *answer)
{
    responder_add(stage->responder, answer);
    return run(stage);
}

/* As the job would come back with what was known of it. */
static void have_handle(struct stage *stage, const char *path)
{
    static char handle[128];
    STK_CLEANUP(stk_freep)
    char *text = stk_format("http://127.0.0.1:%u%s", responder_port(stage->responder), path);
    memcpy(handle, text, strlen(text) + 1);
    stk_time_ns now = stk_clock_now();
    stage->job.remote = (struct stk_remote){ .phase = STK_REMOTE_HANDLE,
                                             .handle = handle,
                                             .submitted_at = now,
                                             .seen_at = now,
                                             .poll_at = now + 5 * STK_SECOND,
                                             .progress = -1 };
}

static void assert_asked(struct stage *stage, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *last = responder_last(stage->responder);
    if (strstr(last, wanted) == NULL) fail_msg("\"%s\" is not in: %s", wanted, last);
}

static void assert_says(struct stage *stage, const char *part)
{
    if (strstr(stage->result.error, part) == NULL) assert_string_equal(stage->result.error, part);
}

static void assert_between(stk_time_ns value, stk_time_ns low, stk_time_ns high)
{
    if (value < low || value > high) {
        fail_msg("%lld is not in %lld .. %lld", (long long)value, (long long)low, (long long)high);
    }
}

/* --- submit --------------------------------------------------------------- */

static void submit__is_noted_before_it_goes_out_and_parks_with_its_handle(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    stk_time_ns before = stk_clock_now();
    assert_int_equal(run_after(stage, accepted), STK_OUTCOME_PARKED);
    assert_int_equal(stage->noted, 1);
    assert_int_equal(stage->asked_before, 0);
    assert_asked(stage, "POST /t?n=3 HTTP/1.1\r\n");
    assert_asked(stage, "X-Job: j7\r\n");
    assert_asked(stage, "Cookie: t=secret1\r\n");
    assert_asked(stage, "Content-Type: application/json\r\n");
    assert_asked(stage, "\r\n\r\n{\"n\":3}");

    const struct stk_remote *remote = &stage->result.remote;
    STK_CLEANUP(stk_freep)
    char *handle = stk_format("http://127.0.0.1:%u/t/1", responder_port(stage->responder));
    assert_int_equal(remote->phase, STK_REMOTE_HANDLE);
    assert_string_equal(remote->handle, handle);
    assert_between(remote->submitted_at, before, stk_clock_now());
    assert_between(remote->poll_at, before + 5 * STK_SECOND, stk_clock_now() + 5 * STK_SECOND);
    assert_int_equal(stage->result.signal.kind, STK_SIGNAL_OK);
    assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_SUBMIT);
    assert_null(strstr(stk_buf_str(&stage->lines), "secret1"));
    assert_non_null(strstr(stk_buf_str(&stage->lines), "/t: 201"));
}

static void submit__what_cannot_be_noted_is_not_sent(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    stage->note_rc = STK_FULL;
    assert_int_equal(run(stage), STK_OUTCOME_INTERRUPTED);
    assert_int_equal(responder_asked(stage->responder), 0);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
    assert_says(stage, "the disk is full");
}

static void submit__takes_the_handle_from_the_body_too(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    struct stk_http_spec *http = stage->job.task->http;
    stk_freep(&http->handle_header);
    http->handle_pointer = stk_strdup("/id");
    assert_int_equal(run_after(stage, "202 OK\r\n\r\n{\"id\":17}"), STK_OUTCOME_PARKED);
    assert_string_equal(stage->result.remote.handle, "17");
}

/* What an answer to a submit makes of the job. */
static const struct {
    const char *answer;
    enum stk_outcome outcome;
    enum stk_signal_kind signal;
    const char *part;
} submits[] = {
    { "401 No\r\n\r\n{\"detail\":\"sign in\"}", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "401" },
    { login_page, STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "200 from" },
    { "302 Found\r\nLocation: /login?next=x\r\n\r\n", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE,
      "302" },
    { "200 OK\r\n\r\n{\"error\":\"no session\"}", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE,
      "no session" },
    { "429 No\r\nRetry-After: 30\r\n\r\nRATE", STK_OUTCOME_THROTTLED, STK_SIGNAL_THROTTLED, "429" },
    { "400 No\r\n\r\n{\"detail\":\"CONCURRENT_LIMIT\"}", STK_OUTCOME_THROTTLED,
      STK_SIGNAL_SLOTS_FULL, "CONCURRENT" },
    { "429 No\r\n\r\n{\"detail\":\"DAILY_LIMIT\"}", STK_OUTCOME_THROTTLED, STK_SIGNAL_QUOTA,
      "DAILY" },
    { "503 No\r\nRetry-After: 9\r\n\r\n", STK_OUTCOME_THROTTLED, STK_SIGNAL_THROTTLED, "503" },
    { "400 No\r\n\r\n{\"zone\":[\"is not valid\"]}", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK,
      "is not valid" },
    { "422 No\r\n\r\n", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK, "422" },
    { "403 No\r\n\r\n", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK, "403" },
    { "500 No\r\n\r\n", STK_OUTCOME_FAILED, STK_SIGNAL_ERROR, "500" },
    { "201 OK\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "names no handle" },
    { "204 OK\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "names no handle" },
    { "302 Found\r\nLocation: /t/2\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "302" },
    { "502 No\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_ERROR, "502" },
    { "504 No\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_ERROR, "504" },
    { "201 OK\r\nLocation: ftp://x/1\r\n\r\n", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "no address" },
    { RESPONDER_HANG_UP, STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_ERROR, "look there" },
};

static void submit__each_answer_has_its_outcome(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(submits); i++) {
        STAGE(stage, "      lost_marker: no session\n      slots_marker: CONCURRENT\n"
                     "      quota_marker: DAILY\n");
        enum stk_outcome outcome = run_after(stage, submits[i].answer);
        if (outcome != submits[i].outcome) {
            fail_msg("%s: %s (%s)", submits[i].answer, stk_outcome_name(outcome),
                     stage->result.error);
        }
        assert_int_equal(stage->result.signal.kind, submits[i].signal);
        assert_says(stage, submits[i].part);
        assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
        assert_int_equal(responder_asked(stage->responder), 1);
    }
}

static void submit__a_throttle_says_until_when(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    stk_time_ns before = stk_clock_now();
    assert_int_equal(run_after(stage, "429 No\r\nRetry-After: 30.0\r\n\r\n"),
                     STK_OUTCOME_THROTTLED);
    assert_true(stage->result.until_said);
    assert_between(stage->result.until, before + 30 * STK_SECOND,
                   stk_clock_now() + 30 * STK_SECOND);
    assert_int_equal(stage->result.signal.retry_after_ns, 30 * STK_SECOND);
}

static void submit__nobody_there_may_be_tried_again(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    struct responder *gone = stage->responder;
    stage->responder = responder_start(); /* so that the port of the other is closed */
    responder_stop(gone);
    assert_int_equal(run(stage), STK_OUTCOME_FAILED);
    assert_int_equal(stage->result.signal.kind, STK_SIGNAL_ERROR);
}

static void submit__the_session_goes_to_the_authority_only(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    STK_CLEANUP(stk_freep)
    char *elsewhere = stk_format("http://localhost:%u/t/1", responder_port(stage->responder));
    stage->job.remote.handle = elsewhere;
    assert_int_equal(run_after(stage, running), STK_OUTCOME_PARKED);
    STK_CLEANUP(stk_freep) char *last = responder_last(stage->responder);
    assert_non_null(strstr(last, "GET /t/1 "));
    assert_null(strstr(last, "Cookie"));
}

static void submit__what_was_said_of_the_limits_is_passed_on(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    (void)run_after(stage, "201 OK\r\nLocation: /t/1\r\nX-RateLimit-Remaining: 4\r\n"
                           "X-RateLimit-Reset: 60\r\n\r\n");
    assert_int_equal(stage->result.signal.remaining, 4);
    assert_int_equal(stage->result.signal.reset_ns, 60 * STK_SECOND);
}

/* --- poll ----------------------------------------------------------------- */

static void poll__of_a_running_job_parks_it_again(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    stage->job.remote.fails = 3;
    stk_time_ns before = stk_clock_now();
    assert_int_equal(run_after(stage, running), STK_OUTCOME_PARKED);
    const struct stk_remote *remote = &stage->result.remote;
    assert_asked(stage, "GET /t/1 HTTP/1.1\r\n");
    assert_asked(stage, "Cookie: t=secret1\r\n");
    assert_int_equal(remote->polls, 1);
    assert_int_equal(remote->fails, 0);
    assert_true(remote->progress > 0.49 && remote->progress < 0.51);
    assert_between(remote->seen_at, before, stk_clock_now());
    assert_between(remote->poll_at, before + 5 * STK_SECOND, stk_clock_now() + 5 * STK_SECOND);
    assert_int_equal(stage->noted, 0);
}

static void poll__retry_after_is_kept_within_bounds(void **unused)
{
    (void)unused;
    static const struct {
        const char *answer;
        int seconds;
    } waits[] = { { "200 OK\r\nRetry-After: 2.5\r\n\r\n{}", 2 },
                  { "200 OK\r\nRetry-After: 0\r\n\r\n{}", 1 },
                  { "200 OK\r\nRetry-After: 86400\r\n\r\n{}", 60 },
                  { "200 OK\r\nRetry-After: soon\r\n\r\n{}", 5 } };
    for (size_t i = 0; i < STK_ARRAY_LEN(waits); i++) {
        STAGE(stage, "");
        have_handle(stage, "/t/1");
        stk_time_ns before = stk_clock_now();
        assert_int_equal(run_after(stage, waits[i].answer), STK_OUTCOME_PARKED);
        assert_between(stage->result.remote.poll_at, before + waits[i].seconds * STK_SECOND,
                       stk_clock_now() + (waits[i].seconds + 1) * STK_SECOND);
    }
}

static void poll__each_answer_has_its_outcome(void **unused)
{
    (void)unused;
    static const struct {
        const char *answer;
        enum stk_outcome outcome;
        uint32_t fails;
    } polls[] = {
        { "401 No\r\n\r\n", STK_OUTCOME_SESSION_LOST, 0 },
        { login_page, STK_OUTCOME_SESSION_LOST, 0 },
        { "204 No\r\n\r\n", STK_OUTCOME_SESSION_LOST, 0 },
        { "302 No\r\nLocation: /start\r\n\r\n", STK_OUTCOME_SESSION_LOST, 0 },
        { "200 OK\r\n\r\n{\"error\":\"no session\"}", STK_OUTCOME_SESSION_LOST, 0 },
        { "429 No\r\nRetry-After: 3\r\n\r\n", STK_OUTCOME_THROTTLED, 0 },
        { "503 No\r\n\r\n", STK_OUTCOME_PARKED, 1 },
        { "200 OK\r\n\r\n<html>", STK_OUTCOME_PARKED, 1 },
        { "200 OK\r\n\r\n", STK_OUTCOME_PARKED, 1 },
        { "200 OK\r\n\r\n{\"status\":\"ODD\"}", STK_OUTCOME_PARKED, 1 },
        { "403 No\r\n\r\n", STK_OUTCOME_PARKED, 1 },
        { RESPONDER_HANG_UP, STK_OUTCOME_PARKED, 1 },
        { "404 No\r\n\r\n", STK_OUTCOME_PARKED, 0 },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(polls); i++) {
        STAGE(stage, "");
        have_handle(stage, "/t/1");
        enum stk_outcome outcome = run_after(stage, polls[i].answer);
        if (outcome != polls[i].outcome) {
            fail_msg("%s: %s (%s)", polls[i].answer, stk_outcome_name(outcome),
                     stage->result.error);
        }
        assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
        assert_string_equal(stage->result.remote.handle, stage->job.remote.handle);
        assert_int_equal(stage->result.remote.fails, polls[i].fails);
        assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_POLL);
        assert_int_equal(stage->result.result.len, 0);
        assert_true(stage->result.remote.poll_at > stk_clock_now());
    }
}

static void poll__unanswered_ones_come_ever_more_seldom(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    stage->job.remote.fails = 3;
    stk_time_ns before = stk_clock_now();
    assert_int_equal(run_after(stage, "500 No\r\n\r\n"), STK_OUTCOME_PARKED);
    assert_true(stage->result.remote.poll_at >= before + 40 * STK_SECOND);
    stage->job.remote.fails = 4000;
    assert_int_equal(run_after(stage, "500 No\r\n\r\n"), STK_OUTCOME_PARKED);
    assert_true(stage->result.remote.poll_at <= stk_clock_now() + 5 * STK_MINUTE);
}

static void poll__a_job_is_gone_when_it_is_said_twice(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    assert_int_equal(run_after(stage, "404 No\r\n\r\n"), STK_OUTCOME_PARKED);
    assert_true(stage->result.remote.gone);
    stage->job.remote.gone = true;
    assert_int_equal(run_after(stage, running), STK_OUTCOME_PARKED);
    assert_false(stage->result.remote.gone);
    assert_int_equal(run_after(stage, "410 No\r\n\r\n"), STK_OUTCOME_FAILED);
    assert_says(stage, "no longer knows it");
}

/* As often as it is parked, and once more. */
static uint32_t polls_until_the_end(struct stage *stage, const char *answer, uint32_t most)
{
    uint32_t polls = 1;
    while (run_after(stage, answer) == STK_OUTCOME_PARKED && polls < most) {
        stage->job.remote.fails = stage->result.remote.fails;
        stage->job.remote.gone = stage->result.remote.gone;
        polls++;
    }
    return polls;
}

static void poll__what_makes_no_sense_for_long_ends_the_job(void **unused)
{
    (void)unused;
    static const struct {
        const char *answer;
        uint32_t fails, polls; /* before; until the end, 30: never */
        const char *says;
    } cases[] = {
        { "200 OK\r\n\r\n{\"status\":\"ODD\"}", 0, 21, "fit none of completed:" },
        { "200 OK\r\nRetry-After: 1\r\n\r\n", 0, 30, "" },
        { "403 No\r\n\r\n", 0, 11, "refuses to say" },
        { "403 No\r\n\r\n", 500, 2, "refuses to say" }, /* an outage came before */
        { "500 No\r\n\r\n", 0, 30, "" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STAGE(stage, "");
        have_handle(stage, "/t/1");
        stage->job.remote.fails = cases[i].fails;
        assert_int_equal(polls_until_the_end(stage, cases[i].answer, 30), cases[i].polls);
        if (cases[i].polls < 30) {
            assert_int_equal(stage->result.outcome, STK_OUTCOME_FAILED_FINAL);
            assert_says(stage, cases[i].says);
        }
    }
}

static void poll__a_failed_job_says_why(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    assert_int_equal(
        run_after(stage, "200 OK\r\n\r\n{\"status\":\"ERROR\",\"message\":\"bad zone\"}"),
        STK_OUTCOME_FAILED);
    assert_string_equal(stage->result.error, "failed at the authority: bad zone");
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
}

static void poll__counts_only_runnable_time(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    stk_time_ns now = stk_clock_now();
    stage->job.remote.seen_at = now - 12 * STK_HOUR; /* a night without a session */
    stage->job.remote.poll_at = stage->job.remote.seen_at + 2 * STK_SECOND;
    assert_int_equal(run_after(stage, running), STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.run_ns, 4 * STK_SECOND);
}

static void poll__over_its_time_limit_it_is_cancelled_there(void **unused)
{
    (void)unused;
    STAGE(stage, "      cancel: {url: \"{handle}/stop\", method: POST, json: {why: \"late\"}}\n");
    have_handle(stage, "/t/1");
    stage->job.remote.run_ns = 10 * STK_SECOND + 1;
    responder_add(stage->responder, running);
    assert_int_equal(run_after(stage, "204 OK\r\n\r\n"), STK_OUTCOME_TIMED_OUT);
    assert_asked(stage, "POST /t/1/stop ");
    assert_asked(stage, "{\"why\":\"late\"}");
    assert_string_equal(stage->result.error,
                        "over its time limit of 10s, cancelled at the authority");
}

/* --- the result ----------------------------------------------------------- */

#define RESULT "      result: {url: \"/results/{/result}\"}\n"

static void result__without_an_address_is_what_the_poll_said(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    assert_int_equal(run_after(stage, done), STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result),
                        "{\"status\":\"COMPLETE\",\"result\":\"r 1\"}");
    assert_false(stage->result.result_is_text);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
}

static void result__is_fetched_at_once(void **unused)
{
    (void)unused;
    STAGE(stage, RESULT);
    have_handle(stage, "/t/1");
    responder_add(stage->responder, done);
    assert_int_equal(run_after(stage, "200 OK\r\n\r\n{\"value\":1}"), STK_OUTCOME_COMPLETED);
    assert_asked(stage, "GET /results/r%201 ");
    assert_string_equal(stk_buf_str(&stage->result.result), "{\"value\":1}");
    assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_READ);
}

static void result__may_be_a_part_of_the_answer(void **unused)
{
    (void)unused;
    STAGE(stage, "      result: {pointer: /result}\n");
    have_handle(stage, "/t/1");
    assert_int_equal(run_after(stage, done), STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result), "\"r 1\"");
}

static void result__what_could_not_be_read_is_never_empty(void **unused)
{
    (void)unused;
    static const struct {
        const char *answer;
        enum stk_outcome outcome;
    } reads[] = {
        { "200 OK\r\nRetry-After: 1.0\r\n\r\n", STK_OUTCOME_PARKED },
        { "202 OK\r\n\r\n{}", STK_OUTCOME_PARKED },
        { "404 No\r\n\r\n", STK_OUTCOME_PARKED },
        { "500 No\r\n\r\n{}", STK_OUTCOME_PARKED },
        { RESPONDER_HANG_UP, STK_OUTCOME_PARKED },
        { "401 No\r\n\r\n{}", STK_OUTCOME_SESSION_LOST },
        { "204 No\r\n\r\n", STK_OUTCOME_SESSION_LOST },
        { login_page, STK_OUTCOME_SESSION_LOST },
        { "429 No\r\n\r\n{}", STK_OUTCOME_THROTTLED },
        { "200 OK\r\n\r\n \n", STK_OUTCOME_PARKED },
        { "200 OK\r\nRetry-After: 1.0\r\n\r\nnull", STK_OUTCOME_PARKED },
        { "200 OK\r\nContent-Type: application/json\r\n\r\n{\"pi\":3.1", STK_OUTCOME_PARKED },
        { "200 OK\r\n\r\n{\"error\":\"no session\"}", STK_OUTCOME_SESSION_LOST },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(reads); i++) {
        STAGE(stage, RESULT);
        have_handle(stage, "/t/1");
        responder_add(stage->responder, done);
        assert_int_equal(run_after(stage, reads[i].answer), reads[i].outcome);
        assert_int_equal(stage->result.result.len, 0);
        const struct stk_remote *remote = &stage->result.remote;
        assert_int_equal(remote->phase, STK_REMOTE_FETCH);
        assert_non_null(strstr(remote->result, "/results/r%201"));
        assert_non_null(remote->handle);
    }
}

static void result__may_have_a_member_called_error(void **unused)
{
    (void)unused;
    STAGE(stage, RESULT);
    have_handle(stage, "/t/1");
    responder_add(stage->responder,
                  "200 OK\r\n\r\n{\"status\":\"COMPLETE\",\"error\":\"\",\"result\":\"r 1\"}");
    assert_int_equal(run_after(stage, "200 OK\r\n\r\n{\"pi\":3.1,\"error\":\"small\"}"),
                     STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result), "{\"pi\":3.1,\"error\":\"small\"}");
}

static void result__is_only_read_again_afterwards(void **unused)
{
    (void)unused;
    STAGE(stage, RESULT);
    have_handle(stage, "/t/1");
    STK_CLEANUP(stk_freep)
    char *place = stk_format("http://127.0.0.1:%u/results/9", responder_port(stage->responder));
    stage->job.remote.phase = STK_REMOTE_FETCH;
    stage->job.remote.result = place;
    assert_int_equal(run_after(stage, "200 OK\r\n\r\nplain words"), STK_OUTCOME_COMPLETED);
    assert_asked(stage, "GET /results/9 ");
    assert_true(stage->result.result_is_text);
    assert_int_equal(responder_asked(stage->responder), 1);
}

static void result__over_its_limit_is_refused(void **unused)
{
    (void)unused;
    STAGE(stage, RESULT "    result_limit: 8\n");
    have_handle(stage, "/t/1");
    responder_add(stage->responder, done);
    assert_int_equal(run_after(stage, "200 OK\r\n\r\n\"123456789\""), STK_OUTCOME_FAILED_FINAL);
    assert_says(stage, "limit of 8 bytes");
}

/* --- ambiguous ------------------------------------------------------------ */

#define LIST                                                                                    \
    "      list: {url: \"/list\", pointer: /results, match: {/name: \"j{job}\", /n: \"{n}\"}, " \
    "handle: \"/t/{/id}\"}\n"

static void ambiguous__resubmit_may_try_again(void **unused)
{
    (void)unused;
    STAGE(stage, "      ambiguous: resubmit\n");
    assert_int_equal(run_after(stage, RESPONDER_HANG_UP), STK_OUTCOME_FAILED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
}

static void ambiguous__adopt_looks_in_the_list(void **unused)
{
    (void)unused;
    STAGE(stage, "      ambiguous: adopt\n" LIST);
    assert_int_equal(run_after(stage, RESPONDER_HANG_UP), STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_ADOPTING);
    assert_null(stage->result.remote.handle);

    stage->job.remote = stage->result.remote;
    assert_int_equal(run_after(stage,
                               "200 OK\r\n\r\n{\"results\":[{\"name\":\"j6\",\"n\":3,\"id\":1},"
                               "{\"name\":\"j7\",\"n\":3,\"id\":2},{\"id\":3}]}"),
                     STK_OUTCOME_PARKED);
    assert_asked(stage, "GET /list ");
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
    assert_non_null(strstr(stage->result.remote.handle, "/t/2"));
    assert_int_equal(stage->noted, 1);
}

static void ambiguous__what_is_not_in_the_list_is_not_submitted_again(void **unused)
{
    (void)unused;
    STAGE(stage, "      ambiguous: adopt\n" LIST);
    stage->job.remote = (struct stk_remote){ .phase = STK_REMOTE_ADOPTING, .progress = -1 };
    for (uint32_t look = 0; look < 2; look++) {
        stage->job.remote.polls = look;
        assert_int_equal(run_after(stage, "200 OK\r\n\r\n{\"results\":[]}"), STK_OUTCOME_PARKED);
        assert_int_equal(stage->result.remote.polls, look + 1);
    }
    stage->job.remote.polls = 2;
    assert_int_equal(run_after(stage, "200 OK\r\n\r\n{\"results\":[]}"), STK_OUTCOME_AMBIGUOUS);
    assert_says(stage, "not in the authority's list");
    assert_int_equal(stage->noted, 0);
}

static void ambiguous__two_that_match_are_for_a_person(void **unused)
{
    (void)unused;
    STAGE(stage, "      ambiguous: adopt\n" LIST);
    stage->job.remote = (struct stk_remote){ .phase = STK_REMOTE_ADOPTING, .progress = -1 };
    assert_int_equal(run_after(stage,
                               "200 OK\r\n\r\n{\"results\":[{\"name\":\"j7\",\"n\":3,\"id\":1},"
                               "{\"name\":\"j7\",\"n\":3,\"id\":2}]}"),
                     STK_OUTCOME_AMBIGUOUS);
}

/* --- cancel and stop ------------------------------------------------------ */

#define CANCEL "      cancel: {url: \"{handle}\"}\n"

static void cancel__tells_the_authority(void **unused)
{
    (void)unused;
    STAGE(stage, CANCEL);
    have_handle(stage, "/t/1");
    stage->job.cancel_requested = true;
    assert_int_equal(run_after(stage, "204 OK\r\n\r\n"), STK_OUTCOME_CANCELLED);
    assert_asked(stage, "DELETE /t/1 ");
    assert_int_equal(run_after(stage, "404 No\r\n\r\n"), STK_OUTCOME_CANCELLED);
}

static void cancel__what_is_complete_there_is_complete(void **unused)
{
    (void)unused;
    STAGE(stage, CANCEL);
    have_handle(stage, "/t/1");
    stage->job.cancel_requested = true;
    responder_add(stage->responder, "400 No\r\n\r\n{\"detail\":\"it is complete\"}");
    assert_int_equal(run_after(stage, done), STK_OUTCOME_COMPLETED);
}

static void cancel__is_tried_again_and_then_given_up(void **unused)
{
    (void)unused;
    STAGE(stage, CANCEL);
    have_handle(stage, "/t/1");
    stage->job.cancel_requested = true;
    assert_int_equal(run_after(stage, "500 No\r\n\r\n"), STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.fails, 1);
    stage->job.remote.fails = 4;
    assert_int_equal(run_after(stage, "500 No\r\n\r\n"), STK_OUTCOME_CANCELLED);
    assert_says(stage, "may go on");
}

static void cancel__without_a_way_to_says_so(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    stage->job.cancel_requested = true;
    assert_int_equal(run(stage), STK_OUTCOME_CANCELLED);
    assert_says(stage, "no cancel:");
    assert_int_equal(responder_asked(stage->responder), 0);
}

static void *run_thread(void *arg)
{
    struct stage *stage = arg;
    (void)run(stage);
    return NULL;
}

/* Runs until the request is held by the authority, then stops. */
static enum stk_outcome stop_while_held(struct stage *stage, enum stk_stop how)
{
    pthread_t thread;
    responder_add(stage->responder, RESPONDER_HOLD);
    assert_int_equal(pthread_create(&thread, NULL, run_thread, stage), 0);
    responder_wait_asked(stage->responder, 1);
    stk_exec_stop(stage->runner, 99, how); /* of another job: nothing */
    stk_exec_stop(stage->runner, stage->job.id, how);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return stage->result.outcome;
}

static void stop__a_poll_ends_at_once_and_its_job_goes_on(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    have_handle(stage, "/t/1");
    assert_int_equal(stop_while_held(stage, STK_STOP_INTERRUPT), STK_OUTCOME_INTERRUPTED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
    assert_string_equal(stage->result.remote.handle, stage->job.remote.handle);
    assert_int_equal(stage->result.signal.kind, STK_SIGNAL_NONE);
}

static void stop__a_submit_under_way_is_ambiguous(void **unused)
{
    (void)unused;
    STAGE(stage, "");
    assert_int_equal(stop_while_held(stage, STK_STOP_NOW), STK_OUTCOME_AMBIGUOUS);
}

static void stop__a_cancel_during_a_poll_makes_it_due_at_once(void **unused)
{
    (void)unused;
    STAGE(stage, CANCEL);
    have_handle(stage, "/t/1");
    assert_int_equal(stop_while_held(stage, STK_STOP_CANCEL), STK_OUTCOME_PARKED);
    assert_true(stage->result.remote.poll_at <= stk_clock_now());
}

static void stop__before_the_start_is_kept(void **unused)
{
    (void)unused;
    STAGE(stage, CANCEL);
    stk_exec_stop(stage->runner, stage->job.id, STK_STOP_INTERRUPT);
    assert_int_equal(run(stage), STK_OUTCOME_INTERRUPTED);
    stk_exec_stop(stage->runner, stage->job.id, STK_STOP_CANCEL);
    assert_int_equal(run(stage), STK_OUTCOME_CANCELLED);
    assert_int_equal(stage->noted, 0);
    assert_int_equal(run_after(stage, accepted), STK_OUTCOME_PARKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submit__is_noted_before_it_goes_out_and_parks_with_its_handle),
        cmocka_unit_test(submit__what_cannot_be_noted_is_not_sent),
        cmocka_unit_test(submit__takes_the_handle_from_the_body_too),
        cmocka_unit_test(submit__each_answer_has_its_outcome),
        cmocka_unit_test(submit__a_throttle_says_until_when),
        cmocka_unit_test(submit__nobody_there_may_be_tried_again),
        cmocka_unit_test(submit__the_session_goes_to_the_authority_only),
        cmocka_unit_test(submit__what_was_said_of_the_limits_is_passed_on),
        cmocka_unit_test(poll__of_a_running_job_parks_it_again),
        cmocka_unit_test(poll__retry_after_is_kept_within_bounds),
        cmocka_unit_test(poll__each_answer_has_its_outcome),
        cmocka_unit_test(poll__unanswered_ones_come_ever_more_seldom),
        cmocka_unit_test(poll__a_job_is_gone_when_it_is_said_twice),
        cmocka_unit_test(poll__what_makes_no_sense_for_long_ends_the_job),
        cmocka_unit_test(poll__a_failed_job_says_why),
        cmocka_unit_test(poll__counts_only_runnable_time),
        cmocka_unit_test(poll__over_its_time_limit_it_is_cancelled_there),
        cmocka_unit_test(result__without_an_address_is_what_the_poll_said),
        cmocka_unit_test(result__is_fetched_at_once),
        cmocka_unit_test(result__may_be_a_part_of_the_answer),
        cmocka_unit_test(result__what_could_not_be_read_is_never_empty),
        cmocka_unit_test(result__may_have_a_member_called_error),
        cmocka_unit_test(result__is_only_read_again_afterwards),
        cmocka_unit_test(result__over_its_limit_is_refused),
        cmocka_unit_test(ambiguous__resubmit_may_try_again),
        cmocka_unit_test(ambiguous__adopt_looks_in_the_list),
        cmocka_unit_test(ambiguous__what_is_not_in_the_list_is_not_submitted_again),
        cmocka_unit_test(ambiguous__two_that_match_are_for_a_person),
        cmocka_unit_test(cancel__tells_the_authority),
        cmocka_unit_test(cancel__what_is_complete_there_is_complete),
        cmocka_unit_test(cancel__is_tried_again_and_then_given_up),
        cmocka_unit_test(cancel__without_a_way_to_says_so),
        cmocka_unit_test(stop__a_poll_ends_at_once_and_its_job_goes_on),
        cmocka_unit_test(stop__a_submit_under_way_is_ambiguous),
        cmocka_unit_test(stop__a_cancel_during_a_poll_makes_it_due_at_once),
        cmocka_unit_test(stop__before_the_start_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
