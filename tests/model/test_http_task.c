/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "model/http_task.h"
#include "model/settings.h"

/* --- helpers -------------------------------------------------------------- */

static enum stk_rc read_yaml(const char *yaml, struct stk_settings **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, err);
    return rc == STK_OK ? stk_settings_read(root, "/srv/lab", ret, err) : rc;
}

/* The lines of an http task, with the others that it needs. */
static char *make_yaml(const char *lines)
{
    return stk_format("tasks:\n"
                      "  sim:\n"
                      "    params: {n: int, name: {type: text, default: \"a\"}}\n"
                      "    http:\n%s",
                      lines);
}

#define SUBMIT    "      submit: {url: \"https://lab.example/jobs\", json: \"{params}\"}\n"
#define HANDLE    "      handle: {header: Location}\n"
#define POLL      "      poll: {url: \"{handle}\"}\n"
#define COMPLETED "      completed: {pointer: /status, in: [DONE]}\n"
#define ALL       SUBMIT HANDLE POLL COMPLETED

static void assert_refused(const char *lines, const char *wanted)
{
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    STK_CLEANUP(stk_freep) char *yaml = make_yaml(lines);
    struct stk_error err = { 0 };
    if (read_yaml(yaml, &settings, &err) == STK_OK) fail_msg("taken:\n%s", yaml);
    if (strstr(err.text, wanted) == NULL) fail_msg("\"%s\" is not in: %s", wanted, err.text);
    assert_int_equal(err.rc, STK_BAD_CONFIG);
}

static struct stk_settings *must_read(const char *yaml)
{
    struct stk_settings *settings = NULL;
    struct stk_error err = { 0 };
    if (read_yaml(yaml, &settings, &err) != STK_OK) fail_msg("%s\n%s", err.text, yaml);
    return settings;
}

/* --- stoker.yaml ---------------------------------------------------------- */

static void config__reads_the_example_of_the_design(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep)
    char *yaml = make_yaml("      submit: {method: POST, url: \"https://lab.example/simulations\", "
                           "json: \"{params}\"}\n"
                           "      handle: {header: Location}\n"
                           "      poll: {url: \"{handle}\", every: 2s, first: 30s}\n"
                           "      running: {missing: /status}\n"
                           "      completed: {pointer: /status, in: [COMPLETE, WARNING]}\n"
                           "      failed: {pointer: /status, in: [ERROR, FAIL, CANCELLED]}\n"
                           "      result: {url: \"https://lab.example/results/{/result}\"}\n"
                           "      cancel: {method: DELETE, url: \"{handle}\"}\n"
                           "      ambiguous: quarantine\n"
                           "      slots_marker: [CONCURRENT, SLOTS]\n"
                           "      ca_file: lab.pem\n"
                           "    limits: [starts, polls]\n"
                           "limits:\n"
                           "  starts: {rate: 60/min}\n"
                           "  polls: {class: poll, rate: 2/s}\n");
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(yaml);
    const struct stk_task *task = stk_settings_task(settings, "sim");
    const struct stk_http_spec *http = task->http;
    assert_int_equal(task->executor, STK_EXECUTOR_HTTP);
    assert_null(task->argv);
    assert_int_equal(task->limit_count, 2);
    assert_string_equal(http->submit.method, "POST");
    assert_string_equal(http->submit.body, "{params}");
    assert_true(http->submit.is_json);
    assert_string_equal(http->handle_header, "Location");
    assert_string_equal(http->poll.method, "GET");
    assert_int_equal(http->every_ns, 2 * STK_SECOND);
    assert_int_equal(http->first_ns, 30 * STK_SECOND);
    assert_string_equal(http->cancel.method, "DELETE");
    assert_string_equal(http->slots_marker[1], "SLOTS");
    assert_string_equal(http->ca_file, "/srv/lab/lab.pem");
    assert_int_equal(http->ambiguous, STK_AMBIGUOUS_QUARANTINE);
}

static void config__a_body_may_be_written_as_yaml(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep)
    char *yaml = make_yaml(
        "      submit: {url: \"https://lab.example/jobs\", json: {kind: plain, n: "
        "\"{n}\", deep: [1, true, null, \"run {n} of \\\"{name}\\\"\", \"7\"]}}\n" HANDLE POLL
            COMPLETED);
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(yaml);
    const struct stk_http_spec *http = stk_settings_task(settings, "sim")->http;
    STK_CLEANUP(stk_json_freep) json_t *params = json_pack("{s:i,s:s}", "n", 5, "name", "a\"b");
    const struct stk_http_values values = { .params = params, .job_id = 1 };
    STK_CLEANUP(stk_buf_release) struct stk_buf body = STK_BUF_INIT;
    assert_int_equal(
        stk_http_template_fill(http->submit.body, STK_HTTP_FORM_JSON, &values, &body, NULL),
        STK_OK);
    assert_string_equal(
        stk_buf_str(&body),
        "{\"kind\":\"plain\",\"n\":5,\"deep\":[1,true,null,\"run 5 of \\\"a\\\"b\\\"\",\"7\"]}");
}

static void config__adopt_knows_where_to_look(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep)
    char *yaml = make_yaml(
        SUBMIT "      handle: {pointer: /id}\n"
               "      poll: {url: \"https://lab.example/jobs/{handle}\"}\n" COMPLETED
               "      ambiguous: adopt\n"
               "      list: {url: \"https://lab.example/jobs\", pointer: /items, match: {/n: "
               "\"{n}\"}}\n");
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(yaml);
    const struct stk_http_spec *http = stk_settings_task(settings, "sim")->http;
    assert_int_equal(http->ambiguous, STK_AMBIGUOUS_ADOPT);
    assert_string_equal(http->list.pointer, "/items");
    assert_string_equal(http->list.match[0].pointer, "/n");
    assert_string_equal(http->list.handle, "{/id}");
}

/* clang-format off */
static const struct {
    const char *lines, *wanted;
} refused[] = {
    { SUBMIT HANDLE POLL, "stoker.yaml:4: tasks.sim.http: needs completed:" },
    { SUBMIT POLL COMPLETED, "needs handle:" },
    { HANDLE POLL COMPLETED, "needs submit:" },
    { SUBMIT HANDLE COMPLETED, "needs poll:" },
    { ALL "    command: [./prog]\n", "tasks.sim.command: the task has http: too" },
    { ALL "    memory: 1GiB\n", "is for commands" },
    { ALL "      complted: {status: 200}\n", "did you mean" },
    { ALL "      ambiguous: adopt\n", "adopt needs list:" },
    { ALL "      ambiguous: always\n", "is not quarantine, adopt or resubmit" },
    { ALL "      list: {url: \"https://lab.example/jobs\", match: {/n: \"{n}\"}}\n",
      "tasks.sim.http.list: needs handle:" },
    { ALL "      list: {url: \"https://lab.example/jobs\"}\n", "needs match:" },
    { "      submit: {url: \"https://lab.example/jobs/{m}\"}\n" HANDLE POLL COMPLETED,
      "unknown parameter \"m\"" },
    { "      submit: {url: \"https://{name}/jobs\"}\n" HANDLE POLL COMPLETED,
      "the host cannot come from a parameter" },
    { "      submit: {url: \"https://a:b@lab.example/jobs\"}\n" HANDLE POLL COMPLETED,
      "may not hold a user" },
    { "      submit: {url: \"/jobs\"}\n" HANDLE POLL COMPLETED, "is not a URL" },
    { "      submit: {url: \"https://lab.example/{handle}\"}\n" HANDLE POLL COMPLETED,
      "{handle} is not known before the job is accepted" },
    { "      submit: {url: \"https://lab.example/{/id}\"}\n" HANDLE POLL COMPLETED,
      "there is none yet" },
    { "      submit: {url: \"https://lab.example/jobs\", json: \"{n\"}\n" HANDLE POLL COMPLETED,
      "is no JSON when it is filled in" },
    { "      submit: {url: \"https://lab.example/jobs\", body: \"{n\"}\n" HANDLE POLL COMPLETED,
      "unbalanced brace" },
    { "      submit: {url: \"https://lab.example/jobs\", json: \"1\", body: \"1\"}\n" HANDLE POLL
      COMPLETED, "sends one of them" },
    { "      submit: {url: \"https://lab.example/jobs\", headers: {Authorization: x}}\n" HANDLE
      POLL COMPLETED, "is a secret" },
    { "      submit: {url: \"https://lab.example/jobs\", method: FETCH}\n" HANDLE POLL COMPLETED,
      "is not GET, POST" },
    { SUBMIT "      handle: {header: Location, pointer: /id}\n" POLL COMPLETED, "must be {header:" },
    { SUBMIT HANDLE "      poll: {url: \"{handle}\", every: 1ms}\n" COMPLETED, "poll.every" },
    { SUBMIT HANDLE POLL "      completed: {pointer: status, in: [DONE]}\n",
      "is not a JSON pointer" },
    { SUBMIT HANDLE POLL "      completed: {pointer: /status}\n", "needs in:" },
    { SUBMIT HANDLE POLL "      completed: {in: [DONE]}\n", "no pointer: or header:" },
    { SUBMIT HANDLE POLL "      completed: {status: 99}\n", "completed.status" },
    { SUBMIT HANDLE POLL "      completed: {}\n", "is empty" },
};
/* clang-format on */

static void config__refuses_with_a_reason(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(refused); i++) {
        assert_refused(refused[i].lines, refused[i].wanted);
    }
}

static void config__a_parameter_may_not_hide_a_place(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(read_yaml("tasks:\n"
                               "  sim:\n"
                               "    params: {handle: int}\n"
                               "    http:\n" ALL,
                               &settings, &err),
                     STK_BAD_CONFIG);
    assert_non_null(strstr(err.text, "{handle} means something else"));
}

/* --- templates ------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *template;
    enum stk_http_form form;
    const char *wanted; /* NULL: it cannot be filled in */
} fills[] = {
    { "https://a.example/{name}?n={n}", STK_HTTP_FORM_URL, "https://a.example/x%20%26%2F%22?n=5" },
    { "{handle}/log",                   STK_HTTP_FORM_URL, "https://a.example/jobs/1/log" },
    { "https://a.example/?of={handle}", STK_HTTP_FORM_URL,
      "https://a.example/?of=https%3A%2F%2Fa.example%2Fjobs%2F1" },
    { "{/next}",                        STK_HTTP_FORM_URL, "/results/9?a=b" },
    { "https://a.example/{/next}",      STK_HTTP_FORM_URL,
      "https://a.example/%2Fresults%2F9%3Fa%3Db" },
    { "https://a.example/{/list/1}",    STK_HTTP_FORM_URL, "https://a.example/8" },
    { "https://a.example/{/nothing}",   STK_HTTP_FORM_URL, NULL },
    { "https://a.example/{/null}",      STK_HTTP_FORM_URL, NULL },
    { "https://a.example/{/empty}",     STK_HTTP_FORM_URL, NULL },
    { "https://a.example/{gone}",       STK_HTTP_FORM_URL, NULL },
    { "{params}",                       STK_HTTP_FORM_JSON, "{\"n\":5,\"name\":\"x &/\\\"\"}" },
    { "{\"n\":{n},\"s\":\"<{name}>\",\"e\":{}}", STK_HTTP_FORM_JSON,
      "{\"n\":5,\"s\":\"<x &/\\\">\",\"e\":{}}" },
    { "[\"\\\"\",{name}]",              STK_HTTP_FORM_JSON, "[\"\\\"\",\"x &/\\\"\"]" },
    { "job {job}: {{{name}}}",          STK_HTTP_FORM_TEXT, "job 77: {x &/\"}" },
};
/* clang-format on */

static void template__fills_in_by_form(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *params = json_pack("{s:i,s:s}", "n", 5, "name", "x &/\"");
    STK_CLEANUP(stk_json_freep)
    json_t *answer = json_pack("{s:s,s:[i,i],s:n,s:s}", "next", "/results/9?a=b", "list", 7, 8,
                               "null", "empty", "");
    const struct stk_http_values values = {
        .params = params, .job_id = 77, .handle = "https://a.example/jobs/1", .answer = answer
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(fills); i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf got = STK_BUF_INIT;
        enum stk_rc rc =
            stk_http_template_fill(fills[i].template, fills[i].form, &values, &got, NULL);
        assert_int_equal(rc, fills[i].wanted != NULL ? STK_OK : STK_INVALID);
        if (fills[i].wanted != NULL) assert_string_equal(stk_buf_str(&got), fills[i].wanted);
    }
}

/* --- conditions ----------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *yaml;
    int status;
    const char *headers, *body;
    bool holds;
} looks[] = {
    { "{pointer: /s, in: [A, B]}",     200, "", "{\"s\":\"B\"}",      true },
    { "{pointer: /s, in: [A, B]}",     200, "", "{\"s\":\"C\"}",      false },
    { "{pointer: /s, in: [A, B]}",     200, "", "{}",                 false },
    { "{pointer: /s, in: [2, true]}",  200, "", "{\"s\":2}",          true },
    { "{pointer: /s, in: [2, true]}",  200, "", "{\"s\":true}",       true },
    { "{missing: /s}",                 200, "", "{\"progress\":0.1}", true },
    { "{missing: /s}",                 200, "", "{\"s\":null}",       true },
    { "{missing: /s}",                 200, "", "{\"s\":1}",          false },
    { "{missing: /s}",                 200, "", "no JSON",            false },
    { "{present: /s}",                 200, "", "{\"s\":1}",          true },
    { "{present: /s}",                 200, "", "{\"s\":null}",       false },
    { "{status: [200, 201]}",          201, "", "",                   true },
    { "{status: 200}",                 201, "", "",                   false },
    { "{status: 200, missing: /s}",    201, "", "{}",                 false },
    { "{header: Retry-After}",         200, "retry-after: 5\n", "",   true },
    { "{header: Retry-After}",         200, "etag: 5\n", "",          false },
    { "{header: X-State, in: [done]}", 200, "x-state: done\n", "",    true },
    { "{header: X-State, in: [done]}", 200, "x-state: runs\n", "",    false },
};
/* clang-format on */

static bool looks_so(size_t at)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    STK_CLEANUP(stk_http_condition_release) struct stk_http_condition condition = { 0 };
    STK_CLEANUP(stk_http_reply_release) struct stk_http_reply reply = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *body = NULL;
    struct stk_error err = { 0 };
    enum stk_rc rc =
        stk_config_parse("a.yaml", looks[at].yaml, strlen(looks[at].yaml), &root, &err);
    if (rc == STK_OK) rc = stk_http_condition_read(root, &condition, &err);
    if (rc != STK_OK) fail_msg("%s: %s", looks[at].yaml, err.text);
    reply.status = looks[at].status;
    stk_buf_adds(&reply.headers, looks[at].headers);
    const char *text = looks[at].body;
    if (stk_json_parse(text, strlen(text), &body, NULL) != STK_OK) body = NULL;
    return stk_http_condition_holds(&condition, &reply, body);
}

static void condition__all_that_is_given_holds(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(looks); i++) {
        if (looks_so(i) != looks[i].holds) fail_msg("%s of %s", looks[i].yaml, looks[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__reads_the_example_of_the_design),
        cmocka_unit_test(config__a_body_may_be_written_as_yaml),
        cmocka_unit_test(config__adopt_knows_where_to_look),
        cmocka_unit_test(config__refuses_with_a_reason),
        cmocka_unit_test(config__a_parameter_may_not_hide_a_place),
        cmocka_unit_test(template__fills_in_by_form),
        cmocka_unit_test(condition__all_that_is_given_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
