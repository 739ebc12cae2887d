/* SPDX-License-Identifier: MIT */
#include "support/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_pointer.h"
#include "model/http_task.h"
#include "model/http_template.h"

#define HEAD   "tasks:\n  t:\n    params: {n: int, name: text}\n    http:\n"
#define SUBMIT "      submit: {url: \"https://lab.example/jobs\", json: \"{params}\"}\n"
#define HANDLE "      handle: {header: Location}\n"
#define POLL   "      poll: {url: \"{handle}\"}\n"
#define DONE   "      completed: {pointer: /status, in: [DONE]}\n"
#define LEAST  HEAD SUBMIT HANDLE POLL DONE

/* One more line under http:, which is the ninth. */
static void assert_line_refused(const char *line, const char *key, const char *part)
{
    STK_CLEANUP(stk_freep) char *yaml = stk_format(LEAST "      %s\n", line);
    STK_CLEANUP(stk_freep) char *place = stk_format("stoker.yaml:9: tasks.t.http.%s: ", key);
    assert_refused(yaml, place, part);
}

static void read__the_least_has_the_usual_values(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(LEAST);
    const struct stk_task *task = stk_settings_task(settings, "t");
    const struct stk_http_spec *http = task->http;
    assert_int_equal(task->executor, STK_EXECUTOR_HTTP);
    assert_null(task->argv);
    assert_string_equal(http->submit.method, "POST");
    assert_string_equal(http->poll.method, "GET");
    assert_string_equal(http->handle_header, "Location");
    assert_int_equal(http->every, 5 * STK_SECOND);
    assert_int_equal(http->timeout_ns, 30 * STK_SECOND);
    assert_int_equal(http->ambiguous, STK_AMBIGUOUS_QUARANTINE);
    assert_null(http->cancel.url);
    assert_false(http->failed.given);
}

static void read__takes_all_there_is(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings = must_read(
        HEAD "      submit: {method: PUT, url: \"http://lab.example/x?n={n}\", headers: {X-Key: "
             "\"a{job}\"}, json: {n: \"{n}\", fixed: [1, true, null, \"5\"]}}\n"
             "      handle: {pointer: /id}\n"
             "      poll: {url: \"/jobs/{handle}\", every: 2s, first: 90s}\n" DONE
             "      running: {status: [202], header: Retry-After}\n"
             "      failed: {present: /error}\n"
             "      lost: {status: [403]}\n"
             "      progress: /progress\n"
             "      message: /message\n"
             "      result: {url: \"/results/{/result}\", pointer: /value}\n"
             "      cancel: {url: \"/jobs/{handle}\"}\n"
             "      list: {url: \"/jobs\", pointer: /results, match: {/n: \"{n}\"}}\n"
             "      ambiguous: adopt\n"
             "      timeout: 10s\n"
             "      redirects: 3\n"
             "      ca_file: lab.pem\n"
             "      lost_marker: sign in\n"
             "      slots_marker: CONCURRENT\n"
             "      quota_marker: DAILY\n");
    const struct stk_http_spec *http = stk_settings_task(settings, "t")->http;
    STK_CLEANUP(stk_freep) char *json = stk_json_text(http->submit.json);
    assert_string_equal(json, "{\"fixed\":[1,true,null,\"5\"],\"n\":\"{n}\"}");
    assert_string_equal(http->submit.method, "PUT");
    assert_string_equal(http->submit.headers[1], "a{job}");
    assert_int_equal(http->first, 90 * STK_SECOND);
    assert_int_equal(http->ambiguous, STK_AMBIGUOUS_ADOPT);
    assert_string_equal(http->ca_file, "/srv/lab/lab.pem");
    assert_int_equal(http->redirects, 3);
    assert_int_equal(http->match_count, 1);
    assert_string_equal(http->cancel.method, "DELETE");
}

static void read__says_what_is_missing(void **unused)
{
    (void)unused;
    const char *http = "stoker.yaml:4: tasks.t.http: ";
    assert_refused(HEAD HANDLE POLL DONE, http, "needs submit");
    assert_refused(HEAD SUBMIT POLL DONE, http, "needs handle");
    assert_refused(HEAD SUBMIT HANDLE DONE, http, "needs poll");
    assert_refused(HEAD SUBMIT HANDLE POLL, http, "needs completed");
    assert_line_refused("ambiguous: adopt", "ambiguous", "adopt needs list:");
    assert_line_refused("list: {url: /jobs}", "list", "needs match");
    assert_line_refused("list: {url: /jobs, match: {/n: \"{n}\"}}", "list", "needs handle");
    assert_line_refused("result: {}", "result", "needs a url or a pointer");
    assert_line_refused("cancel: {method: DELETE}", "cancel", "needs a url");
}

static void read__refuses_what_it_does_not_know(void **unused)
{
    (void)unused;
    assert_line_refused("cancle: {url: /x}", "cancle", "did you mean \"cancel\"");
    assert_line_refused("ambiguous: maybe", "ambiguous", "quarantine, adopt or resubmit");
    assert_line_refused("running: {}", "running", "is empty");
    assert_line_refused("running: {pointer: /x}", "running", "belong together");
    assert_line_refused("running: {missing: x}", "running.missing", "no JSON pointer");
    assert_line_refused("running: {status: [99]}", "running.status[0]", "200");
    assert_line_refused("lost_marker: \"\"", "lost_marker", "every answer");
    assert_line_refused("cancel: {url: /x, method: delete}", "cancel.method", "is not a method");
    assert_line_refused("cancel: {url: /x, headers: {\"a b\": c}}", "cancel.headers.a b",
                        "not the name of a header");
    assert_line_refused("cancel: {url: /x, json: {}, body: x}", "cancel.body", "json: already");
}

static void read__a_job_cannot_choose_the_host(void **unused)
{
    (void)unused;
    assert_line_refused("cancel: {url: \"{name}\"}", "cancel.url", "must begin with https://");
    assert_line_refused("cancel: {url: \"https://{name}/x\"}", "cancel.url", "must begin");
    assert_line_refused("cancel: {url: \"https://lab{name}/x\"}", "cancel.url", "must begin");
    assert_line_refused("cancel: {url: \"//{name}/x\"}", "cancel.url", "must begin");
    assert_line_refused("cancel: {url: \"https://u@lab/x\"}", "cancel.url", "must begin");
    assert_refused(HEAD "      submit: {url: /jobs}\n" HANDLE POLL DONE,
                   "stoker.yaml:5: tasks.t.http.submit.url: ", "must begin with https://");
}

static void read__templates_name_what_there_is(void **unused)
{
    (void)unused;
    assert_line_refused("cancel: {url: \"/x/{nme}\"}", "cancel.url", "did you mean \"name\"");
    assert_line_refused("cancel: {url: \"/x/{/id}\"}", "cancel.url", "there is no answer yet");
    assert_line_refused("cancel: {url: \"/x/{n\"}", "cancel.url", "unbalanced brace");
    assert_refused(HEAD "      submit: {url: \"http://h/{handle}\"}\n" HANDLE POLL DONE,
                   "stoker.yaml:5: tasks.t.http.submit.url: ", "not known here yet");
    assert_refused("tasks:\n  t:\n    params: {job: int}\n    http:\n" SUBMIT HANDLE POLL DONE,
                   "stoker.yaml:4: tasks.t.http: ", "needs another name");
}

static void read__a_task_is_a_command_or_http(void **unused)
{
    (void)unused;
    assert_refused("tasks:\n  t:\n    command: [./x]\n    http:\n" SUBMIT HANDLE POLL DONE,
                   "stoker.yaml:4: tasks.t.http: ", "not both");
    assert_refused("tasks:\n  t:\n    params: {n: int}\n",
                   "stoker.yaml:2: tasks.t: ", "needs a command");
    assert_refused(LEAST "    nice: 3\n", "stoker.yaml:9: tasks.t.nice: ", "for commands");
}

static void read__limits_of_polls_are_for_http_only(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings =
        must_read(LEAST "    limits: [p]\nlimits: {p: {class: poll, rate: 2/s}}\n");
    assert_int_equal(stk_settings_task(settings, "t")->limit_count, 1);
    assert_refused("tasks:\n  t:\n    command: [./x]\n    limits: [p]\n"
                   "limits: {p: {class: poll, rate: 2/s}}\n",
                   "stoker.yaml:4: tasks.t.limits: ", "which a command does not have");
}

/* --- templates ------------------------------------------------------------ */

struct stage {
    struct stk_settings *settings;
    struct stk_http_values values;
    json_t *params, *body;
};

static struct stage make_stage(void)
{
    struct stage stage = { .settings = must_read(LEAST) };
    stage.params = json_pack("{sisssf}", "n", 7, "name", "a/b \"q\"", "x", 0.5);
    stage.body =
        json_pack("{sss{ss}s[i]}", "result", "r 1", "deep", "url", "https://o/1", "list", 3);
    stage.values = (struct stk_http_values){ .task = stk_settings_task(stage.settings, "t"),
                                             .job_id = 12,
                                             .params = stage.params,
                                             .handle = "https://lab/t/1",
                                             .body = stage.body };
    return stage;
}

static void end_stage(struct stage *stage)
{
    stk_settings_free(stage->settings);
    json_decref(stage->params);
    json_decref(stage->body);
}

static void assert_renders(const char *template, enum stk_http_place place, const char *wanted)
{
    STK_CLEANUP(end_stage) struct stage stage = make_stage();
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    struct stk_error err = { 0 };
    if (stk_http_render(&stage.values, template, place, &buf, &err) != STK_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(stk_buf_str(&buf), wanted);
}

static void render__escapes_in_urls_but_for_an_address_at_the_start(void **unused)
{
    (void)unused;
    assert_renders("/x/{name}?n={n}", STK_HTTP_IN_URL, "/x/a%2Fb%20%22q%22?n=7");
    assert_renders("{handle}/stop", STK_HTTP_IN_URL, "https://lab/t/1/stop");
    assert_renders("/x?h={handle}", STK_HTTP_IN_URL, "/x?h=https%3A%2F%2Flab%2Ft%2F1");
    assert_renders("{/deep/url}?j={job}", STK_HTTP_IN_URL, "https://o/1?j=12");
    assert_renders("/r/{/result}", STK_HTTP_IN_URL, "/r/r%201");
    assert_renders("{{{n}}} {/list/0}", STK_HTTP_IN_TEXT, "{7} 3");
}

static void render__json_keeps_the_types(void **unused)
{
    (void)unused;
    STK_CLEANUP(end_stage) struct stage stage = make_stage();
    STK_CLEANUP(stk_json_freep)
    json_t *template =
        json_pack("{ssssss}", "all", "{params}", "one", "{n}", "text", "n={n} {name}");
    STK_CLEANUP(stk_json_freep) json_t *filled = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_http_render_json(&stage.values, template, &filled, &err), STK_OK);
    STK_CLEANUP(stk_freep) char *text = stk_json_text(filled);
    assert_string_equal(text, "{\"all\":{\"n\":7,\"name\":\"a/b \\\"q\\\"\",\"x\":0.5},\"one\":7,"
                              "\"text\":\"n=7 a/b \\\"q\\\"\"}");
}

static void render__what_is_not_there_is_refused(void **unused)
{
    (void)unused;
    static const char *const templates[] = { "/r/{/nothing}", "/r/{gone}", "/r/{/deep}" };
    static const char *const sentences[] = { "the answer has no such value",
                                             "has changed since the job was submitted",
                                             "is no text or number" };
    for (size_t i = 0; i < STK_ARRAY_LEN(templates); i++) {
        STK_CLEANUP(end_stage) struct stage stage = make_stage();
        STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
        struct stk_error err = { 0 };
        enum stk_rc rc = stk_http_render(&stage.values, templates[i], STK_HTTP_IN_URL, &buf, &err);
        assert_int_equal(rc, STK_INVALID);
        if (strstr(err.text, sentences[i]) == NULL) assert_string_equal(err.text, sentences[i]);
    }
}

/* --- conditions ----------------------------------------------------------- */

static bool holds(const char *yaml, int status, const char *headers, const char *body)
{
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    STK_CLEANUP(stk_json_freep) json_t *json = NULL;
    struct stk_http_condition condition = { 0 };
    assert_int_equal(stk_config_parse("c", yaml, strlen(yaml), &root, &err), STK_OK);
    if (stk_http_condition_read(root, &condition, &err) != STK_OK) fail_msg("%s", err.text);
    if (stk_json_parse(body, strlen(body), &json, NULL) != STK_OK) assert_null(json);
    const struct stk_http_answer answer = { status, headers, json };
    bool it_holds = stk_http_condition_holds(&condition, &answer);
    stk_http_condition_release(&condition);
    return it_holds;
}

static void condition__looks_into_body_status_and_headers(void **unused)
{
    (void)unused;
    assert_true(holds("{pointer: /s, in: [A, B]}", 200, "", "{\"s\":\"B\"}"));
    assert_true(holds("{pointer: /s, in: [1, true]}", 200, "", "{\"s\":1}"));
    assert_false(holds("{pointer: /s, in: [A]}", 200, "", "{\"s\":\"AB\"}"));
    assert_false(holds("{pointer: /s, in: [A]}", 500, "", "{\"s\":\"A\"}"));
    assert_true(holds("{pointer: /s, in: [A], status: [500]}", 500, "", "{\"s\":\"A\"}"));
    assert_true(holds("{missing: /s}", 200, "", "{}"));
    assert_true(holds("{missing: /s}", 200, "", "{\"s\":null}"));
    assert_false(holds("{present: /s}", 200, "", "{\"s\":null}"));
    assert_true(holds("{header: Retry-After}", 202, "retry-after: 5\n", ""));
    assert_false(holds("{header: Retry-After}", 202, "date: x\nretry: 5\n", ""));
    assert_true(holds("{no_header: Retry-After}", 200, "date: x\n", ""));
    assert_false(holds("{no_header: Retry-After, present: /s}", 200, "", "{}"));
}

static void condition__what_is_no_json_says_nothing(void **unused)
{
    (void)unused;
    assert_false(holds("{missing: /s}", 200, "", ""));
    assert_false(holds("{missing: /s}", 200, "", "<html>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__the_least_has_the_usual_values),
        cmocka_unit_test(read__takes_all_there_is),
        cmocka_unit_test(read__says_what_is_missing),
        cmocka_unit_test(read__refuses_what_it_does_not_know),
        cmocka_unit_test(read__a_job_cannot_choose_the_host),
        cmocka_unit_test(read__templates_name_what_there_is),
        cmocka_unit_test(read__a_task_is_a_command_or_http),
        cmocka_unit_test(read__limits_of_polls_are_for_http_only),
        cmocka_unit_test(render__escapes_in_urls_but_for_an_address_at_the_start),
        cmocka_unit_test(render__json_keeps_the_types),
        cmocka_unit_test(render__what_is_not_there_is_refused),
        cmocka_unit_test(condition__looks_into_body_status_and_headers),
        cmocka_unit_test(condition__what_is_no_json_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
