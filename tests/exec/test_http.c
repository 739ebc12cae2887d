/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "exec/http.h"
#include "model/settings.h"
#include "responder.h"

struct stage {
    struct responder *responder;
    struct stk_runner *runner;
    struct stk_settings *settings;
    struct stk_exec_job job;
    struct stk_exec_result result;
    struct stk_buf lines;
    char *handle, *result_at; /* of the last run, as a store would keep them */
    unsigned notes;
    enum stk_rc note_rc;
};

/* --- the stage ------------------------------------------------------------ */

#define USUAL                                                                              \
    "      submit: {url: \"http://127.0.0.1:%PORT/jobs?of={name}\", json: \"{params}\"}\n" \
    "      handle: {header: Location}\n"                                                   \
    "      poll: {url: \"{handle}\", every: 5s, first: 20s}\n"                             \
    "      running: {missing: /status}\n"                                                  \
    "      completed: {pointer: /status, in: [DONE]}\n"                                    \
    "      failed: {pointer: /status, in: [ERROR]}\n"                                      \
    "      timeout: 20s\n"
#define RESULT "      result: {url: \"http://127.0.0.1:%PORT/results/{/result}\"}\n"
#define CANCEL "      cancel: {url: \"{handle}\"}\n"

static char *fill_port(const char *text, unsigned port)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    for (const char *at = NULL; (at = strstr(text, "%PORT")) != NULL; text = at + 5) {
        stk_buf_add(&buf, text, (size_t)(at - text));
        stk_buf_addf(&buf, "%u", port);
    }
    stk_buf_adds(&buf, text);
    return stk_buf_take(&buf);
}

static enum stk_rc note(void *context, struct stk_error *err)
{
    struct stage *stage = context;
    stage->notes++;
    if (stage->note_rc == STK_OK) return STK_OK;
    return stk_fail(err, stage->note_rc, "not to be written");
}

static void open_task(struct stage *stage, const char *lines, bool has_session)
{
    STK_CLEANUP(stk_freep) char *http = fill_port(lines, responder_port(stage->responder));
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format("tasks:\n"
                            "  sim:\n"
                            "    params: {n: int, name: text}\n"
                            "    time_limit: 60s\n"
                            "    result_limit: 64KiB\n%s"
                            "    http:\n%s"
                            "sessions: {duty: {provider: operator, lifetime: 12h}}\n",
                            has_session ? "    session: duty\n" : "", http);
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err);
    stk_settings_freep(&stage->settings);
    if (rc == STK_OK) rc = stk_settings_read(root, "/", &stage->settings, &err);
    if (rc != STK_OK) fail_msg("%s\n%s", err.text, yaml);
    stage->job.task = stk_settings_task(stage->settings, "sim");
}

static int set_up(void **state)
{
    struct stage *stage = stk_alloc(sizeof(*stage));
    stage->responder = responder_start();
    stage->runner = stk_http_runner_new();
    stage->job = (struct stk_exec_job){ .id = 77,
                                        .attempt_id = 5,
                                        .attempt = 1,
                                        .params = "{\"n\":5,\"name\":\"a b\"}",
                                        .params_len = strlen("{\"n\":5,\"name\":\"a b\"}"),
                                        .worker = "p1/w1",
                                        .remote.progress = -1,
                                        .note_submit = note,
                                        .note_context = stage };
    open_task(stage, USUAL RESULT CANCEL, false);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    stk_runner_free(stage->runner);
    responder_stop(stage->responder);
    stk_exec_result_release(&stage->result);
    stk_settings_freep(&stage->settings);
    stk_buf_release(&stage->lines);
    free(stage->handle);
    free(stage->result_at);
    free(stage);
    return 0;
}

static void keep_line(void *context, enum stk_stream stream, const char *line, size_t len)
{
    struct stage *stage = context;
    (void)stream;
    stk_buf_add(&stage->lines, line, len);
    stk_buf_addc(&stage->lines, '\n');
}

static void run(struct stage *stage)
{
    stk_exec_run(stage->runner, &stage->job, keep_line, stage, &stage->result);
}

/* What the store would hand out with the next claim. */
static void claim_again(struct stage *stage)
{
    char *handle = stk_strdup(stage->result.remote.handle);
    char *result_at = stk_strdup(stage->result.remote.result);
    free(stage->handle);
    free(stage->result_at);
    stage->handle = handle;
    stage->result_at = result_at;
    stage->job.remote = stage->result.remote;
    stage->job.remote.handle = handle;
    stage->job.remote.result = result_at;
}

static void has_handle(struct stage *stage)
{
    stk_time_ns now = stk_clock_now();
    free(stage->handle);
    stage->handle = stk_format("http://127.0.0.1:%u/jobs/1", responder_port(stage->responder));
    stage->job.remote = (struct stk_remote){ .phase = STK_REMOTE_HANDLE,
                                             .handle = stage->handle,
                                             .submitted_at = now - 5 * STK_SECOND,
                                             .seen_at = now - 5 * STK_SECOND,
                                             .poll_at = now,
                                             .progress = -1 };
}

static void assert_outcome(struct stage *stage, enum stk_outcome wanted)
{
    if (stage->result.outcome != wanted) {
        fail_msg("%s: %s", stk_outcome_name(stage->result.outcome), stage->result.error);
    }
}

static void assert_says(struct stage *stage, const char *wanted)
{
    if (strstr(stage->result.error, wanted) == NULL) {
        fail_msg("\"%s\" is not in: %s", wanted, stage->result.error);
    }
}

static void assert_asked(struct stage *stage, unsigned number, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *request = responder_request(stage->responder, number);
    if (strstr(request, wanted) == NULL) fail_msg("\"%s\" is not in: %s", wanted, request);
}

static void assert_poll_in(struct stage *stage, stk_time_ns from, stk_time_ns to)
{
    stk_time_ns wait = stage->result.remote.poll_at - stk_clock_now();
    if (wait < from - STK_SECOND || wait > to) {
        fail_msg("asks again in %lld ms", (long long)(wait / STK_MS));
    }
}

/* --- the whole way -------------------------------------------------------- */

static void job__is_submitted_asked_about_and_read(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "201|Location: /jobs/1\nRetry-After: 5.0|");
    responder_say(stage->responder, "200|Retry-After: 2.5|{\"progress\":0.25}");
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"result\":\"r/1\"}");
    responder_say(stage->responder, "200|Content-Type: application/json|{\"pi\":3.14}");

    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    assert_int_equal(stage->notes, 1);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
    assert_non_null(strstr(stage->result.remote.handle, "/jobs/1"));
    assert_poll_in(stage, 5 * STK_SECOND, 5 * STK_SECOND);
    assert_int_equal(stage->result.signal.kind, STK_SIGNAL_OK);
    assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_SUBMIT);
    assert_asked(stage, 0, "POST /jobs?of=a%20b HTTP");
    assert_asked(stage, 0, "{\"n\":5,\"name\":\"a b\"}");

    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    assert_true(stage->result.remote.progress > 0.24 && stage->result.remote.progress < 0.26);
    assert_int_equal(stage->result.remote.polls, 1);
    assert_poll_in(stage, 5 * STK_SECOND / 2, 5 * STK_SECOND / 2);
    assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_POLL);
    assert_asked(stage, 1, "GET /jobs/1 HTTP");

    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result), "{\"pi\":3.14}");
    assert_false(stage->result.result_is_text);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
    assert_int_equal(stage->result.signal.class_, STK_LIMIT_CLASS_READ);
    assert_asked(stage, 3, "GET /results/r%2F1 HTTP");
    assert_int_equal(stage->notes, 1);
    assert_non_null(strstr(stk_buf_str(&stage->lines), "accepted as http"));
}

static void submit__nothing_goes_out_that_is_not_noted(void **state)
{
    struct stage *stage = *state;
    stage->note_rc = STK_FULL;
    run(stage);
    assert_outcome(stage, STK_OUTCOME_INTERRUPTED);
    assert_int_equal(responder_asked(stage->responder), 0);
}

static void submit__a_session_is_shown_to_its_own_host_only(void **state)
{
    struct stage *stage = *state;
    struct responder *other = responder_start();
    struct stk_secret *shown = stk_secret_new("Cookie: t=geheim\n", strlen("Cookie: t=geheim\n"));
    STK_CLEANUP(stk_freep)
    char *elsewhere =
        stk_format("201|Location: http://127.0.0.1:%u/jobs/1|", responder_port(other));
    responder_say(stage->responder, elsewhere);
    responder_say(other, "200||{}");
    stage->job.headers = shown;
    run(stage);
    assert_asked(stage, 0, "Cookie: t=geheim\r\n");
    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    STK_CLEANUP(stk_freep) char *request = responder_request(other, 0);
    assert_non_null(strstr(request, "GET /jobs/1"));
    assert_null(strstr(request, "geheim"));
    responder_stop(other);
    stk_secret_free(shown);
}

/* --- what answers mean ---------------------------------------------------- */

/* clang-format off */
static const struct answer {
    const char *said;
    enum stk_outcome outcome;
    enum stk_signal_kind signal;
    const char *error;
} submits[] = {
    { "201||", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "without a handle in Location" },
    { "204||", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_OK, "nobody knows" },
    { "400||{\"n\":[\"is not a valid choice\"]}", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK,
      "answered 400: {\"n\":[\"is not a valid choice\"]}" },
    { "401||", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "the session is over" },
    { "403||no", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK, "answered 403: no" },
    { "403||TIMED-OUT", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "the session is over" },
    { "440||", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "the session is over" },
    { "302|Location: /login?next=/jobs|", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "302" },
    { "302|Location: /elsewhere|", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK, "302" },
    { "200|Content-Type: text/html|<html><input type='password'></html>",
      STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "the session is over" },
    { "422||", STK_OUTCOME_FAILED_FINAL, STK_SIGNAL_OK, "422" },
    { "408||", STK_OUTCOME_FAILED, STK_SIGNAL_OK, "408" },
    { "429|Retry-After: 30|{\"detail\":\"RATE\"}", STK_OUTCOME_THROTTLED, STK_SIGNAL_THROTTLED,
      "RATE" },
    { "429||{\"detail\":\"CONCURRENT\"}", STK_OUTCOME_THROTTLED, STK_SIGNAL_SLOTS_FULL, "429" },
    { "400||{\"detail\":\"CONCURRENT\"}", STK_OUTCOME_THROTTLED, STK_SIGNAL_SLOTS_FULL, "400" },
    { "429||{\"detail\":\"DAILY\"}", STK_OUTCOME_THROTTLED, STK_SIGNAL_QUOTA, "429" },
    { "500||oops", STK_OUTCOME_FAILED, STK_SIGNAL_ERROR, "answered 500: oops" },
    { "503||", STK_OUTCOME_FAILED, STK_SIGNAL_ERROR, "503" },
    { "503|Retry-After: 30|", STK_OUTCOME_THROTTLED, STK_SIGNAL_THROTTLED, "503" },
    { "!close", STK_OUTCOME_AMBIGUOUS, STK_SIGNAL_ERROR, "nobody knows" },
}, polls[] = {
    { "200||{}", STK_OUTCOME_PARKED, STK_SIGNAL_OK, "" },
    { "200||{\"status\":\"ERROR\",\"message\":\"too large\",\"error\":\"x\"}", STK_OUTCOME_FAILED,
      STK_SIGNAL_OK, "failed at the authority: too large" },
    { "200||{\"status\":\"SOMETHING\"}", STK_OUTCOME_PARKED, STK_SIGNAL_OK, "SOMETHING" },
    { "200||{\"error\":\"no session\"}", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "no session" },
    { "200||not JSON", STK_OUTCOME_PARKED, STK_SIGNAL_OK, "not JSON" },
    { "204||", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "204" },
    { "401||", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "401" },
    { "302|Location: /signin|", STK_OUTCOME_SESSION_LOST, STK_SIGNAL_NONE, "302" },
    { "429|Retry-After: 30|", STK_OUTCOME_THROTTLED, STK_SIGNAL_THROTTLED, "429" },
    { "500||", STK_OUTCOME_PARKED, STK_SIGNAL_ERROR, "500" },
    { "404||", STK_OUTCOME_PARKED, STK_SIGNAL_OK, "404" },
    { "!close", STK_OUTCOME_PARKED, STK_SIGNAL_ERROR, "returned nothing" },
};
/* clang-format on */

#define MARKERS                                                \
    "      lost_status: [440]\n      lost_marker: TIMED-OUT\n" \
    "      slots_marker: CONCURRENT\n      quota_marker: DAILY\n"

static void assert_answer(struct stage *stage, const struct answer *answer)
{
    responder_say(stage->responder, answer->said);
    run(stage);
    if (stage->result.outcome != answer->outcome || stage->result.signal.kind != answer->signal ||
        strstr(stage->result.error, answer->error) == NULL) {
        fail_msg("%s: %s, signal %d: %s", answer->said, stk_outcome_name(stage->result.outcome),
                 (int)stage->result.signal.kind, stage->result.error);
    }
}

static void submit__each_answer_has_its_outcome(void **state)
{
    struct stage *stage = *state;
    open_task(stage, USUAL MARKERS, true);
    for (size_t i = 0; i < STK_ARRAY_LEN(submits); i++) {
        assert_answer(stage, &submits[i]);
        assert_int_equal(stage->result.remote.phase, STK_REMOTE_NONE);
        assert_int_equal(responder_asked(stage->responder), i + 1); /* never twice */
    }
}

static void poll__each_answer_has_its_outcome_and_keeps_the_handle(void **state)
{
    struct stage *stage = *state;
    open_task(stage, USUAL MARKERS, true);
    for (size_t i = 0; i < STK_ARRAY_LEN(polls); i++) {
        has_handle(stage);
        assert_answer(stage, &polls[i]);
        if (polls[i].outcome == STK_OUTCOME_FAILED) continue;
        assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
        assert_string_equal(stage->result.remote.handle, stage->handle);
    }
}

static void submit__without_a_session_a_401_is_final(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "401||");
    run(stage);
    assert_outcome(stage, STK_OUTCOME_FAILED_FINAL);
}

static void submit__refused_before_it_is_sent_may_be_tried_again(void **state)
{
    struct stage *stage = *state;
    struct responder *gone = responder_start();
    STK_CLEANUP(stk_freep)
    char *lines = stk_format("      submit: {url: \"http://127.0.0.1:%u/\"}\n"
                             "      handle: {pointer: /id}\n"
                             "      poll: {url: \"http://127.0.0.1:1/{handle}\"}\n"
                             "      completed: {status: 200}\n",
                             responder_port(gone));
    responder_stop(gone);
    open_task(stage, lines, false);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_FAILED);
    assert_int_equal(stage->result.signal.kind, STK_SIGNAL_ERROR);
}

static void throttled__says_until_when(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "429|Retry-After: 30\nRateLimit-Remaining: 0|");
    run(stage);
    stk_time_ns wait = stage->result.until - stk_clock_now();
    assert_true(stage->result.until_said);
    assert_true(wait > 29 * STK_SECOND && wait <= 30 * STK_SECOND);
    assert_true(stage->result.signal.has_retry_after);
    assert_int_equal(stage->result.signal.retry_after_ns, 30 * STK_SECOND);
    assert_int_equal(stage->result.signal.remaining, 0);
    assert_true(stage->result.signal.sent_at > 0);
}

/* --- polls ---------------------------------------------------------------- */

static void poll__gone_is_believed_the_second_time(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "404||");
    responder_say(stage->responder, "200||{}");
    responder_say(stage->responder, "404||");
    responder_say(stage->responder, "410||");
    has_handle(stage);
    run(stage);
    assert_true(stage->result.remote.gone);
    claim_again(stage);
    run(stage);
    assert_false(stage->result.remote.gone);
    claim_again(stage);
    run(stage);
    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_FAILED);
    assert_says(stage, "lost at the authority");
}

static void poll__no_answer_is_asked_for_ever_later(void **state)
{
    struct stage *stage = *state;
    stk_time_ns last = 0;
    has_handle(stage);
    for (int i = 0; i < 8; i++) {
        responder_say(stage->responder, "500||");
        run(stage);
        assert_outcome(stage, STK_OUTCOME_PARKED);
        assert_int_equal(stage->result.remote.fails, i + 1);
        stk_time_ns wait = stage->result.remote.poll_at - stk_clock_now();
        assert_true(wait > last / 2 && wait <= 72 * STK_SECOND);
        last = wait;
        claim_again(stage);
    }
    assert_true(last > 59 * STK_SECOND - STK_SECOND);
    responder_say(stage->responder, "200||{}");
    run(stage);
    assert_int_equal(stage->result.remote.fails, 0);
}

static void poll__what_is_never_understood_ends_the_job(void **state)
{
    struct stage *stage = *state;
    has_handle(stage);
    int polls_done = 0;
    do {
        responder_say(stage->responder, "200||what?");
        run(stage);
        claim_again(stage);
    } while (stage->result.outcome == STK_OUTCOME_PARKED && ++polls_done < 50);
    assert_outcome(stage, STK_OUTCOME_FAILED);
    assert_says(stage, "could not be understood");
}

static void poll__run_time_grows_by_what_was_planned_at_most(void **state)
{
    struct stage *stage = *state;
    stk_time_ns now = stk_clock_now();
    responder_say(stage->responder, "200||{}");
    responder_say(stage->responder, "200||{}");
    has_handle(stage);
    run(stage);
    assert_true(stage->result.remote.run_ns >= 5 * STK_SECOND);
    assert_true(stage->result.remote.run_ns < 7 * STK_SECOND);

    has_handle(stage); /* it was to be asked long ago, and nobody could */
    stage->job.remote.seen_at = now - STK_HOUR;
    stage->job.remote.poll_at = now - STK_HOUR + 5 * STK_SECOND;
    run(stage);
    assert_int_equal(stage->result.remote.run_ns, 10 * STK_SECOND);
}

static void poll__over_the_time_limit_it_is_cancelled_there(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "200||{}");
    responder_say(stage->responder, "204||");
    has_handle(stage);
    stage->job.remote.run_ns = 58 * STK_SECOND;
    run(stage);
    assert_outcome(stage, STK_OUTCOME_TIMED_OUT);
    assert_says(stage, "over its time limit of 1m; cancelled at the authority");
    assert_asked(stage, 1, "DELETE /jobs/1 HTTP");
}

static void poll__a_get_follows_redirects_on_its_host(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "301|Location: /v2/jobs/1|");
    responder_say(stage->responder, "200||{}");
    has_handle(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.fails, 0);
    assert_asked(stage, 1, "GET /v2/jobs/1 HTTP");
}

/* --- results -------------------------------------------------------------- */

static void fetch__waits_until_the_result_is_there(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"result\":\"9\"}");
    responder_say(stage->responder, "200|Retry-After: 1.0|");
    responder_say(stage->responder, "500||");
    responder_say(stage->responder, "200|Content-Type: application/json|{\"cut");
    responder_say(stage->responder, "200||42");
    has_handle(stage);
    for (int i = 0; i < 3; i++) {
        run(stage);
        assert_outcome(stage, STK_OUTCOME_PARKED);
        assert_int_equal(stage->result.remote.phase, STK_REMOTE_FETCH);
        assert_non_null(strstr(stage->result.remote.result, "/results/9"));
        assert_int_equal(stage->result.result.len, 0);
        claim_again(stage);
    }
    run(stage);
    assert_outcome(stage, STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result), "42");
    assert_asked(stage, 4, "GET /results/9 HTTP");
    assert_int_equal(responder_asked(stage->responder), 5);
}

static void fetch__a_lost_session_keeps_where_the_result_is(void **state)
{
    struct stage *stage = *state;
    open_task(stage, USUAL RESULT, true);
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"result\":\"9\"}");
    responder_say(stage->responder, "401||");
    responder_say(stage->responder, "200||text of its own");
    has_handle(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_SESSION_LOST);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_FETCH);
    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_COMPLETED);
    assert_true(stage->result.result_is_text);
    assert_string_equal(stk_buf_str(&stage->result.result), "text of its own");
}

static void fetch__without_result_the_last_answer_is_it(void **state)
{
    struct stage *stage = *state;
    open_task(stage, USUAL, false);
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"value\":7}");
    has_handle(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&stage->result.result), "{\"status\":\"DONE\",\"value\":7}");
}

static void fetch__a_result_over_the_limit_is_refused(void **state)
{
    struct stage *stage = *state;
    STK_CLEANUP(stk_buf_release) struct stk_buf large = STK_BUF_INIT;
    stk_buf_adds(&large, "200||");
    while (large.len < 65 * 1024) {
        stk_buf_adds(&large, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    }
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"result\":\"9\"}");
    responder_say(stage->responder, stk_buf_str(&large));
    has_handle(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_FAILED_FINAL);
    assert_says(stage, "result_limit");
}

/* --- cancelling ----------------------------------------------------------- */

static void cancel__tells_the_authority(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "204||");
    has_handle(stage);
    stage->job.cancel_requested = true;
    run(stage);
    assert_outcome(stage, STK_OUTCOME_CANCELLED);
    assert_asked(stage, 0, "DELETE /jobs/1 HTTP");
}

static void cancel__too_late_keeps_the_result(void **state)
{
    struct stage *stage = *state;
    responder_say(stage->responder, "400||it is complete");
    responder_say(stage->responder, "200||{\"status\":\"DONE\",\"result\":\"9\"}");
    responder_say(stage->responder, "200||42");
    has_handle(stage);
    stage->job.cancel_requested = true;
    run(stage);
    assert_outcome(stage, STK_OUTCOME_COMPLETED);
}

static void cancel__is_not_tried_for_ever(void **state)
{
    struct stage *stage = *state;
    has_handle(stage);
    stage->job.cancel_requested = true;
    for (int i = 0; i < 5; i++) {
        responder_say(stage->responder, "500||");
        run(stage);
        claim_again(stage);
    }
    assert_outcome(stage, STK_OUTCOME_CANCELLED);
    assert_says(stage, "may go on there");
}

static void cancel__before_the_submit_sends_nothing(void **state)
{
    struct stage *stage = *state;
    stk_exec_stop(stage->runner, 77, STK_STOP_CANCEL);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_CANCELLED);
    assert_int_equal(stage->notes, 0);
    assert_int_equal(responder_asked(stage->responder), 0);
}

/* --- stops ---------------------------------------------------------------- */

static void *run_on_thread(void *arg)
{
    run(arg);
    return NULL;
}

static void stop_when_asked(struct stage *stage, enum stk_stop how)
{
    pthread_t thread;
    responder_say(stage->responder, "!hang");
    unsigned asked = responder_asked(stage->responder);
    if (pthread_create(&thread, NULL, run_on_thread, stage) != 0) abort();
    responder_await(stage->responder, asked + 1);
    stk_exec_stop(stage->runner, 77, how);
    (void)pthread_join(thread, NULL);
}

static void stop__ends_a_poll_at_once_and_keeps_the_handle(void **state)
{
    struct stage *stage = *state;
    has_handle(stage);
    stk_time_ns before = stk_clock_mono();
    stop_when_asked(stage, STK_STOP_NOW);
    assert_true(stk_clock_mono() - before < 15 * STK_SECOND);
    assert_outcome(stage, STK_OUTCOME_INTERRUPTED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
    assert_string_equal(stage->result.remote.handle, stage->handle);

    responder_say(stage->responder, "200||{}"); /* the next run is its own */
    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
}

static void stop__a_submit_under_way_is_ambiguous(void **state)
{
    struct stage *stage = *state;
    stop_when_asked(stage, STK_STOP_INTERRUPT);
    assert_outcome(stage, STK_OUTCOME_AMBIGUOUS);
    assert_int_equal(responder_asked(stage->responder), 1);
}

static void stop__a_cancel_while_it_is_asked_about_goes_there(void **state)
{
    struct stage *stage = *state;
    has_handle(stage);
    responder_say(stage->responder, "!hang");
    responder_say(stage->responder, "204||");
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_on_thread, stage) != 0) abort();
    responder_await(stage->responder, 1);
    stk_exec_stop(stage->runner, 77, STK_STOP_CANCEL);
    (void)pthread_join(thread, NULL);
    assert_outcome(stage, STK_OUTCOME_CANCELLED);
    assert_asked(stage, 1, "DELETE /jobs/1 HTTP");
}

/* --- ambiguous ------------------------------------------------------------ */

static void ambiguous__resubmit_is_a_failure_that_may_be_tried_again(void **state)
{
    struct stage *stage = *state;
    open_task(stage, USUAL "      ambiguous: resubmit\n", false);
    responder_say(stage->responder, "!close");
    run(stage);
    assert_outcome(stage, STK_OUTCOME_FAILED);
    assert_says(stage, "submitted again");
}

#define ADOPT                                                                           \
    USUAL "      ambiguous: adopt\n"                                                    \
          "      list: {url: \"http://127.0.0.1:%PORT/jobs\", pointer: /items, match: " \
          "{/settings/n: \"{n}\", /name: \"{name}\"}, "                                 \
          "handle: \"http://127.0.0.1:%PORT/jobs/{/id}\"}\n"

static void ambiguous__adopt_finds_the_one_that_fits(void **state)
{
    struct stage *stage = *state;
    open_task(stage, ADOPT CANCEL, false);
    responder_say(stage->responder, "!close");
    responder_say(stage->responder, "200||{\"items\":[]}");
    responder_say(stage->responder,
                  "200||{\"items\":[{\"id\":\"1\",\"name\":\"a b\",\"settings\":{\"n\":6}},"
                  "{\"id\":\"2\",\"name\":\"a b\",\"settings\":{\"n\":5}}]}");
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_ADOPTING);
    claim_again(stage);
    run(stage);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_ADOPTING);
    claim_again(stage);
    run(stage);
    assert_outcome(stage, STK_OUTCOME_PARKED);
    assert_int_equal(stage->result.remote.phase, STK_REMOTE_HANDLE);
    assert_non_null(strstr(stage->result.remote.handle, "/jobs/2"));
    assert_asked(stage, 1, "GET /jobs HTTP");
}

static void ambiguous__adopt_believes_a_list_without_it(void **state)
{
    struct stage *stage = *state;
    open_task(stage, ADOPT, false);
    stage->job.remote.phase = STK_REMOTE_ADOPTING;
    for (int i = 0; i < 3; i++) {
        responder_say(stage->responder, "200||{\"items\":[]}");
        run(stage);
        claim_again(stage);
    }
    assert_outcome(stage, STK_OUTCOME_FAILED);
    assert_says(stage, "was not accepted");
}

static void ambiguous__two_that_fit_are_for_a_person(void **state)
{
    struct stage *stage = *state;
    open_task(stage, ADOPT, false);
    stage->job.remote.phase = STK_REMOTE_ADOPTING;
    responder_say(stage->responder,
                  "200||{\"items\":[{\"id\":\"1\",\"name\":\"a b\",\"settings\":{\"n\":5}},"
                  "{\"id\":\"2\",\"name\":\"a b\",\"settings\":{\"n\":5}}]}");
    run(stage);
    assert_outcome(stage, STK_OUTCOME_AMBIGUOUS);
    assert_says(stage, "2 entries");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(job__is_submitted_asked_about_and_read),
        CASE(submit__nothing_goes_out_that_is_not_noted),
        CASE(submit__a_session_is_shown_to_its_own_host_only),
        CASE(submit__each_answer_has_its_outcome),
        CASE(submit__without_a_session_a_401_is_final),
        CASE(submit__refused_before_it_is_sent_may_be_tried_again),
        CASE(throttled__says_until_when),
        CASE(poll__each_answer_has_its_outcome_and_keeps_the_handle),
        CASE(poll__gone_is_believed_the_second_time),
        CASE(poll__no_answer_is_asked_for_ever_later),
        CASE(poll__what_is_never_understood_ends_the_job),
        CASE(poll__run_time_grows_by_what_was_planned_at_most),
        CASE(poll__over_the_time_limit_it_is_cancelled_there),
        CASE(poll__a_get_follows_redirects_on_its_host),
        CASE(fetch__waits_until_the_result_is_there),
        CASE(fetch__a_lost_session_keeps_where_the_result_is),
        CASE(fetch__without_result_the_last_answer_is_it),
        CASE(fetch__a_result_over_the_limit_is_refused),
        CASE(cancel__tells_the_authority),
        CASE(cancel__too_late_keeps_the_result),
        CASE(cancel__is_not_tried_for_ever),
        CASE(cancel__before_the_submit_sends_nothing),
        CASE(stop__ends_a_poll_at_once_and_keeps_the_handle),
        CASE(stop__a_submit_under_way_is_ambiguous),
        CASE(stop__a_cancel_while_it_is_asked_about_goes_there),
        CASE(ambiguous__resubmit_is_a_failure_that_may_be_tried_again),
        CASE(ambiguous__adopt_finds_the_one_that_fits),
        CASE(ambiguous__adopt_believes_a_list_without_it),
        CASE(ambiguous__two_that_fit_are_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
