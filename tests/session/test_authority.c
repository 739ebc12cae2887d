/* SPDX-License-Identifier: MIT
 *
 * What needs no server: where requests go, what a body is made of, what an answer
 * of each status means.
 */
#include "session/authority.h"

#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "session/login_body.h"

static struct stk_session_spec spec_at(const char *url)
{
    return (struct stk_session_spec){ .url = (char *)(uintptr_t)url };
}

static void url__is_the_authoritys_with_the_path_behind_it(void **state)
{
    static const struct {
        const char *base, *ref, *url;
    } cases[] = {
        { "https://lab.example", "/me", "https://lab.example/me" },
        { "https://lab.example/", "/me", "https://lab.example/me" },
        { "https://lab.example/v1/api", "/tickle", "https://lab.example/v1/api/tickle" },
        { "https://lab.example", "https://sso.example/token", "https://sso.example/token" },
        { NULL, "https://sso.example/token", "https://sso.example/token" },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        const struct stk_session_spec spec = spec_at(cases[i].base);
        STK_CLEANUP(stk_freep) char *url = stk_authority_url(&spec, cases[i].ref);
        assert_string_equal(url, cases[i].url);
    }
}

static void own__is_only_the_same_scheme_host_and_port(void **state)
{
    static const char *const own[] = {
        "https://lab.example/x",
        "https://lab.example",
        "https://LAB.example?x",
        "https://lab.example#x",
    };
    static const char *const others[] = {
        "http://lab.example/x",
        "https://lab.example.evil/x",
        "https://lab.example:8443/x",
        "https://lab.example@evil/x",
        "https://evil/lab.example",
        "https://lab.exampl",
        "",
    };
    const struct stk_session_spec spec = spec_at("https://lab.example/v1");
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(own); i++) {
        if (!stk_authority_is_own(&spec, own[i])) fail_msg("%s", own[i]);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(others); i++) {
        if (stk_authority_is_own(&spec, others[i])) fail_msg("%s", others[i]);
    }
}

static void host__is_all_that_a_reason_shows_of_a_url(void **state)
{
    const struct stk_session_spec spec = spec_at("https://lab.example:8443/v1?key=topsecret");
    const struct stk_ask ask = { .spec = &spec };
    char room[64];
    (void)state;
    assert_string_equal(stk_authority_host(&ask, "/me", room, sizeof(room)), "lab.example:8443");
    assert_string_equal(stk_authority_host(&ask, "http://x.example?a=b", room, sizeof(room)),
                        "x.example");
}

/* --- verdicts ------------------------------------------------------------- */

static struct stk_reply reply_of(int status, const char *headers, const char *body)
{
    struct stk_reply reply = { .http.status = status };
    stk_buf_adds(&reply.http.headers, headers);
    stk_buf_adds(&reply.http.body, body);
    if (stk_json_parse(body, strlen(body), &reply.body, NULL) != STK_OK) reply.body = NULL;
    return reply;
}

#define HTML     "content-type: text/html; charset=utf-8\n"
#define PASSWORD "<input name=p TYPE=\"password\">"

static void verdict__of_each_answer(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        enum stk_verdict verdict;
    } cases[] = {
        { 200, "", "{\"user\":1}", STK_VERDICT_OK },
        { 200, "", "", STK_VERDICT_OK },
        { 200, HTML, "<h1>Welcome</h1>", STK_VERDICT_OK },
        { 200, HTML, PASSWORD, STK_VERDICT_LOST },
        { 200, "", PASSWORD, STK_VERDICT_OK }, /* a text about forms, not one */
        { 200, "", "{\"error\":\"no session\"}", STK_VERDICT_LOST },
        { 200, "", "{\"error\":\"\"}", STK_VERDICT_OK },
        { 200, "", "{\"error\":null}", STK_VERDICT_OK },
        { 204, "", "", STK_VERDICT_LOST },
        { 401, "", "", STK_VERDICT_LOST },
        { 403, "", "", STK_VERDICT_LOST },
        { 302, "location: /login?next=/me\n", "", STK_VERDICT_LOST },
        { 302, "location: https://sso.example/oauth2/authorize?x\n", "", STK_VERDICT_LOST },
        { 302, "location: /me/?then=login\n", "", STK_VERDICT_SILENT },
        { 301, "location: /authors/me\n", "", STK_VERDICT_SILENT },
        { 304, "", "", STK_VERDICT_SILENT },
        { 404, "", "", STK_VERDICT_SILENT },
        { 429, "", "", STK_VERDICT_LOCKED },
        { 503, "retry-after: 5\n", "", STK_VERDICT_LOCKED },
        { 503, "", "", STK_VERDICT_SILENT },
        { 500, "", "{\"detail\":\"signed out\"}", STK_VERDICT_LOST },
        { 400, "", "{\"detail\":\"you are signed out\"}", STK_VERDICT_LOST },
        { 500, "", "", STK_VERDICT_SILENT },
    };
    const struct stk_session_spec spec = { .lost_marker = (char *)(uintptr_t) "signed out" };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_reply_release)
        struct stk_reply reply = reply_of(cases[i].status, cases[i].headers, cases[i].body);
        if (stk_authority_verdict(&spec, &reply) == cases[i].verdict) continue;
        fail_msg("case %zu: %d %s", i, cases[i].status, cases[i].body);
    }
}

static void verdict__by_a_pointer_that_has_to_be_true(void **state)
{
    static const struct {
        const char *body;
        enum stk_verdict verdict;
    } cases[] = {
        { "{\"ok\":true}", STK_VERDICT_OK },
        { "{\"ok\":\"yes\"}", STK_VERDICT_OK },
        { "{\"ok\":1}", STK_VERDICT_OK },
        { "{\"ok\":{\"a\":1}}", STK_VERDICT_OK },
        { "{\"ok\":[0]}", STK_VERDICT_OK },
        { "{\"ok\":false}", STK_VERDICT_LOST },
        { "{\"ok\":\"\"}", STK_VERDICT_LOST },
        { "{\"ok\":0}", STK_VERDICT_LOST },
        { "{\"ok\":null}", STK_VERDICT_LOST },
        { "{\"ok\":{}}", STK_VERDICT_LOST },
        { "{}", STK_VERDICT_LOST },
        { "no json", STK_VERDICT_LOST },
        { "{\"ok\":true,\"error\":\"of something else\"}", STK_VERDICT_OK },
    };
    const struct stk_session_spec spec = { .ok_pointer = (char *)(uintptr_t) "/ok" };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_reply_release) struct stk_reply reply = reply_of(200, "", cases[i].body);
        if (stk_authority_verdict(&spec, &reply) != cases[i].verdict) fail_msg("%s", cases[i].body);
    }
}

static void login_again__is_its_own_page_and_no_other(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        bool is_it;
    } cases[] = {
        { 302, "location: /login?error=1\n", "", true },
        { 302, "location: https://lab.example/login\n", "", true },
        { 302, "location: /login/done\n", "", false },
        { 302, "location: /oauth/welcome\n", "", false },
        { 302, "location: /home?from=/login\n", "", false },
        { 200, HTML, PASSWORD, true },
        { 200, HTML, "<h1>Welcome</h1>", false },
        { 302, "", "", false },
    };
    struct stk_session_spec spec = spec_at("https://lab.example");
    spec.login = (char *)(uintptr_t) "/login";
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_reply_release)
        struct stk_reply reply = reply_of(cases[i].status, cases[i].headers, cases[i].body);
        if (stk_authority_is_login_again(&spec, &reply) != cases[i].is_it) fail_msg("case %zu", i);
    }
}

/* --- the body of a sign-in ------------------------------------------------ */

static void body__has_user_and_password_escaped_for_its_type(void **state)
{
    static const struct {
        const char *type, *pattern, *body;
    } cases[] = {
        { NULL, NULL, "username=a%40b&password=x%22%26%7Buser%7D" },
        { "application/json", NULL, "{\"username\":\"a@b\",\"password\":\"x\\\"&{user}\"}" },
        { NULL, "u={user}&p={password}&x={other}{", "u=a%40b&p=x%22%26%7Buser%7D&x={other}{" },
        { "application/vnd.api+json", "[{\"p\":\"{password}\"}]", "[{\"p\":\"x\\\"&{user}\"}]" },
        { "application/json", "{\"expiry\":14400}", "{\"expiry\":14400}" },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_secret_freep) struct stk_secret *password = stk_secret_new("x\"&{user}", 9);
        STK_CLEANUP(stk_buf_wipep) struct stk_buf body = STK_BUF_INIT;
        const struct stk_session_spec spec = { .user = (char *)(uintptr_t) "a@b",
                                               .login_type = (char *)(uintptr_t)cases[i].type,
                                               .login_body = (char *)(uintptr_t)cases[i].pattern };
        stk_login_body(&spec, password, &body);
        assert_string_equal(stk_buf_str(&body), cases[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url__is_the_authoritys_with_the_path_behind_it),
        cmocka_unit_test(own__is_only_the_same_scheme_host_and_port),
        cmocka_unit_test(host__is_all_that_a_reason_shows_of_a_url),
        cmocka_unit_test(verdict__of_each_answer),
        cmocka_unit_test(verdict__by_a_pointer_that_has_to_be_true),
        cmocka_unit_test(login_again__is_its_own_page_and_no_other),
        cmocka_unit_test(body__has_user_and_password_escaped_for_its_type),
    };
    return cmocka_run_group_tests_name("session/authority", tests, NULL, NULL);
}
