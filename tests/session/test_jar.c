/* SPDX-License-Identifier: MIT */
#include "session/jar.h"

#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "model/lifecycle.h"
#include "session/expiry.h"

/* Tue, 24 Nov 2026 12:00:00 GMT */
#define NOW ((stk_time_ns)1795521600 * STK_SECOND)

/* --- cookies -------------------------------------------------------------- */

/* What is in a jar that held {"old": "1"}, after those header lines. */
static char *after(const char *lines)
{
    struct stk_http_reply reply = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *jar = json_pack("{s:s}", "old", "1");
    stk_buf_adds(&reply.headers, lines);
    stk_jar_take(jar, &reply, NOW);
    stk_http_reply_release(&reply);
    return stk_json_text(jar);
}

static void jar__takes_what_set_cookie_says(void **state)
{
    static const struct {
        const char *lines, *jar;
    } cases[] = {
        { "set-cookie: t=abc\n", "{\"old\":\"1\",\"t\":\"abc\"}" },
        { "set-cookie: t=a=b==; Path=/; HttpOnly\n", "{\"old\":\"1\",\"t\":\"a=b==\"}" },
        { "set-cookie: old=2\n", "{\"old\":\"2\"}" },
        { "set-cookie: t=1; Path=/\nset-cookie: t=2; Path=/login\n",
          "{\"old\":\"1\",\"t\":\"2\"}" },
        { "set-cookie: old=; Path=/\n", "{}" },
        { "set-cookie: old=x; Max-Age=0\n", "{}" },
        { "set-cookie: old=x; max-age=-5\n", "{}" },
        { "set-cookie: old=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT\n", "{}" },
        { "set-cookie: old=x; Expires=Thu, 01-Jan-1970 00:00:00 GMT\n", "{}" },
        { "set-cookie: old=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60\n",
          "{\"old\":\"x\"}" },
        { "set-cookie: old=x; Expires=nonsense\n", "{\"old\":\"x\"}" },
        { "set-cookie: novalue\n", "{\"old\":\"1\"}" },
        { "set-cookie: =x\n", "{\"old\":\"1\"}" },
        { "set-cookie: t=a\x01"
          "b\n",
          "{\"old\":\"1\"}" },
        { "set-cookie2: t=x\n", "{\"old\":\"1\"}" },
        { "", "{\"old\":\"1\"}" },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_freep) char *jar = after(cases[i].lines);
        assert_string_equal(jar, cases[i].jar);
    }
}

static stk_time_ns end_of(const char *lines, stk_time_ns server_now)
{
    struct stk_http_reply reply = { 0 };
    stk_buf_adds(&reply.headers, lines);
    stk_time_ns end = stk_jar_expiry(&reply, "t", NOW, server_now);
    stk_http_reply_release(&reply);
    return end;
}

static void jar__knows_the_end_of_a_cookie(void **state)
{
    (void)state;
    assert_int_equal(end_of("set-cookie: t=x; Max-Age=60\n", NOW), NOW + STK_MINUTE);
    assert_int_equal(end_of("set-cookie: t=x; Expires=Tue, 24 Nov 2026 13:00:00 GMT\n", NOW),
                     NOW + STK_HOUR);
    assert_int_equal(
        end_of("set-cookie: t=x; Expires=Tue, 24-Nov-2026 13:00:00 GMT\n", NOW + 30 * STK_MINUTE),
        NOW + 30 * STK_MINUTE);
    assert_int_equal(end_of("set-cookie: t=x\n", NOW), STK_NEVER);
    assert_int_equal(end_of("set-cookie: other=x; Max-Age=60\n", NOW), STK_NEVER);
    assert_int_equal(end_of("set-cookie: t=x; Max-Age=5\nset-cookie: t=y; Max-Age=9\n", NOW),
                     NOW + 9 * STK_SECOND);
}

/* --- moments -------------------------------------------------------------- */

static void expiry__tells_spans_from_moments(void **state)
{
    static const struct {
        const char *json;
        stk_time_ns left; /* STK_NEVER: none of these */
    } cases[] = {
        { "14399.5", 14399 * STK_SECOND + 500 * STK_MS },
        { "60", STK_MINUTE },
        { "\"60\"", STK_MINUTE },
        { "0", 0 },
        { "-5", 0 },
        { "1795525200", STK_HOUR },
        { "1795525200000", STK_HOUR },
        { "\"1795525200\"", STK_HOUR },
        { "\"2026-11-24T13:00:00Z\"", STK_HOUR },
        { "\"2026-11-24T14:00:00+01:00\"", STK_HOUR },
        { "\"Tue, 24 Nov 2026 13:00:00 GMT\"", STK_HOUR },
        { "1795518000", 0 },
        { "\"soon\"", STK_NEVER },
        { "true", STK_NEVER },
        { "null", STK_NEVER },
        { "1e300", STK_NEVER },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_json_freep) json_t *value = NULL;
        assert_int_equal(stk_json_parse(cases[i].json, strlen(cases[i].json), &value, NULL),
                         STK_OK);
        stk_time_ns expected = cases[i].left == STK_NEVER ? STK_NEVER : NOW + cases[i].left;
        if (stk_expiry_value(value, NOW, NOW) != expected) fail_msg("%s", cases[i].json);
    }
    assert_int_equal(stk_expiry_value(NULL, NOW, NOW), STK_NEVER);
}

static void expiry__corrects_a_moment_by_the_clock_of_the_answer(void **state)
{
    struct stk_http_reply reply = { 0 };
    (void)state;
    stk_buf_adds(&reply.headers, "date: Tue, 24 Nov 2026 14:00:00 GMT\n");
    stk_time_ns there = stk_expiry_server_now(&reply, NOW);
    assert_int_equal(there, NOW + 2 * STK_HOUR);
    assert_int_equal(stk_expiry_here(there + STK_HOUR, NOW, there), NOW + STK_HOUR);
    assert_int_equal(stk_expiry_here(there - STK_HOUR, NOW, there), NOW);
    assert_int_equal(stk_expiry_here(STK_NEVER, NOW, there), STK_NEVER);

    stk_buf_clear(&reply.headers);
    stk_buf_adds(&reply.headers, "date: Tue, 24 Nov 2026 12:00:01 GMT\n");
    assert_int_equal(stk_expiry_server_now(&reply, NOW),
                     NOW); /* a Date is whole seconds, and old */
    stk_buf_clear(&reply.headers);
    assert_int_equal(stk_expiry_server_now(&reply, NOW), NOW);
    stk_http_reply_release(&reply);
}

static void pointer__follows_members_and_items(void **state)
{
    static const struct {
        const char *pointer, *value; /* NULL: there is none */
    } cases[] = {
        { "/a/b", "x" },     { "/list/1", "two" }, { "/sl~1ash", "s" },  { "/til~0de", "t" },
        { "/a/c", NULL },    { "/list/9", NULL },  { "/list/-1", NULL }, { "/a/b/c", NULL },
        { "/list/x", NULL }, { "a/b", NULL },
    };
    static const char body[] =
        "{\"a\":{\"b\":\"x\"},\"list\":[\"one\",\"two\"],\"sl/ash\":\"s\",\"til~de\":\"t\"}";
    STK_CLEANUP(stk_json_freep) json_t *object = NULL;
    (void)state;
    assert_int_equal(stk_json_parse(body, sizeof(body) - 1, &object, NULL), STK_OK);
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        const char *value = json_string_value(stk_expiry_at(object, cases[i].pointer));
        if (cases[i].value == NULL) {
            if (value != NULL) fail_msg("%s", cases[i].pointer);
        } else {
            assert_non_null(value);
            assert_string_equal(value, cases[i].value);
        }
    }
    assert_null(stk_expiry_at(NULL, "/a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jar__takes_what_set_cookie_says),
        cmocka_unit_test(jar__knows_the_end_of_a_cookie),
        cmocka_unit_test(expiry__tells_spans_from_moments),
        cmocka_unit_test(expiry__corrects_a_moment_by_the_clock_of_the_answer),
        cmocka_unit_test(pointer__follows_members_and_items),
    };
    return cmocka_run_group_tests_name("session/jar", tests, NULL, NULL);
}
