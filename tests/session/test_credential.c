/* SPDX-License-Identifier: MIT */
#include "session/credential.h"

#include "support/test.h"

#include <string.h>

#include "model/lifecycle.h"

static struct stk_secret *secret_of(const char *text)
{
    return stk_secret_new(text, strlen(text));
}

/* The lines for that credential; NULL: it was refused, and `why` says it. */
static const char *headers(struct stk_session_spec spec, const char *credential, const char **why)
{
    static struct stk_secret *lines;
    static struct stk_error err;
    stk_secret_free(lines);
    lines = NULL;
    err = (struct stk_error){ 0 };
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = secret_of(credential);
    enum stk_rc rc = stk_credential_headers(&spec, secret, &lines, &err);
    if (why != NULL) *why = err.text;
    if (rc == STK_OK) return stk_secret_bytes(lines);
    assert_int_equal(rc, STK_BAD_DATA);
    return NULL;
}

static void headers__show_each_kind_as_it_is_shown(void **state)
{
    static const struct {
        const char *header, *cookie, *credential, *lines;
    } cases[] = {
        { NULL, NULL, "abc", "Authorization: Bearer abc\n" },
        { NULL, NULL, "abc\r\n", "Authorization: Bearer abc\n" },
        { NULL, "t", "abc", "Cookie: t=abc\n" },
        { NULL, "t", "{\"cookies\":{\"t\":\"abc\"}}", "Cookie: t=abc\n" },
        { NULL, NULL, "{\"cookies\":{\"path\":\"x\",\"t\":\"abc\"}}", "Cookie: path=x; t=abc\n" },
        { NULL, NULL, "{\"access_token\":\"abc\",\"expires_in\":5}",
          "Authorization: Bearer abc\n" },
        { "X-Key: {secret}", "t", "abc", "X-Key: abc\n" },
        { "Authorization: MAC id={id},mac={mac}", NULL, "{\"id\":\"1\",\"mac\":\"2\"}",
          "Authorization: MAC id=1,mac=2\n" },
        { "X-Sid: {sid}", NULL, "{\"cookies\":{\"sid\":\"abc\"}}", "X-Sid: abc\n" },
        { "X: {} {secret}", NULL, "abc", "X: {} abc\n" },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        const struct stk_session_spec spec = { .header = (char *)(uintptr_t)cases[i].header,
                                               .cookie = (char *)(uintptr_t)cases[i].cookie };
        const char *lines = headers(spec, cases[i].credential, NULL);
        assert_non_null(lines);
        assert_string_equal(lines, cases[i].lines);
    }
}

static void headers__refuse_what_cannot_stand_in_a_line_and_do_not_show_it(void **state)
{
    const char *why = NULL;
    (void)state;
    assert_null(headers((struct stk_session_spec){ 0 }, "topsecret\nSet-Cookie: x", &why));
    assert_null(strstr(why, "topsecret"));
    assert_null(headers((struct stk_session_spec){ 0 },
                        "{\"cookies\":{\"t\":\"topsecret\\r\\nX: y\"}}", &why));
    assert_null(strstr(why, "topsecret"));
    assert_null(headers((struct stk_session_spec){ 0 }, "\x7f", &why));
}

static void headers__name_the_member_that_is_missing(void **state)
{
    static char header[] = "Authorization: {id_token}";
    const char *why = NULL;
    (void)state;
    assert_null(headers((struct stk_session_spec){ .header = header },
                        "{\"access_token\":\"topsecret\"}", &why));
    assert_non_null(strstr(why, "\"id_token\""));
    assert_null(strstr(why, "topsecret"));
    assert_null(headers((struct stk_session_spec){ .header = header }, "raw", &why));
}

static void object__is_one_or_none(void **state)
{
    static const char *const others[] = { "abc", "", "[1]", "12", "{\"a\":1} x", "{" };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(others); i++) {
        STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = secret_of(others[i]);
        assert_null(stk_credential_object(secret));
    }
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *secret = secret_of(" {\"b\": 1, \"a\": \"x\"}\n");
    STK_CLEANUP(stk_json_freep) json_t *object = stk_credential_object(secret);
    assert_non_null(object);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *again = stk_credential_from(object);
    assert_string_equal(stk_secret_bytes(again), "{\"a\":\"x\",\"b\":1}");
}

/* {"exp":1800000000}, {"exp":1800000000.9}, {"exp":"soon"}, {"iat":1} */
#define CLAIMS_EXP      "eyJleHAiOjE4MDAwMDAwMDB9"
#define CLAIMS_FRACTION "eyJleHAiOjE4MDAwMDAwMDAuOX0"
#define CLAIMS_TEXT     "eyJleHAiOiJzb29uIn0"
#define CLAIMS_NONE     "eyJpYXQiOjF9"

static void jwt_expiry__is_read_wherever_the_token_stands(void **state)
{
    static const struct {
        const char *credential;
        int64_t seconds; /* 0: never */
    } cases[] = {
        { "h." CLAIMS_EXP ".s", 1800000000 },
        { "h." CLAIMS_FRACTION ".s", 1800000000 },
        { "{\"access_token\":\"h." CLAIMS_EXP ".s\"}", 1800000000 },
        { "{\"cookies\":{\"a\":\"x\",\"t\":\"h." CLAIMS_EXP ".s\"}}", 1800000000 },
        { "h." CLAIMS_TEXT ".s", 0 },
        { "h." CLAIMS_NONE ".s", 0 },
        { "h." CLAIMS_EXP, 0 },
        { "h..s", 0 },
        { "h.!!!!.s", 0 },
        { "abc", 0 },
        { "{\"cookies\":{\"t\":\"abc\"}}", 0 },
    };
    (void)state;
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = secret_of(cases[i].credential);
        stk_time_ns expected = cases[i].seconds == 0 ? STK_NEVER : cases[i].seconds * STK_SECOND;
        assert_int_equal(stk_credential_jwt_expiry(secret), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers__show_each_kind_as_it_is_shown),
        cmocka_unit_test(headers__refuse_what_cannot_stand_in_a_line_and_do_not_show_it),
        cmocka_unit_test(headers__name_the_member_that_is_missing),
        cmocka_unit_test(object__is_one_or_none),
        cmocka_unit_test(jwt_expiry__is_read_wherever_the_token_stands),
    };
    return cmocka_run_group_tests_name("session/credential", tests, NULL, NULL);
}
