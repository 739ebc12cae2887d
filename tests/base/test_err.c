/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { RC_COUNT = STK_INTERNAL + 1 };

static void fail__fills_the_error_and_returns_its_code(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    assert_int_equal(stk_fail(&err, STK_BUSY, "job %d is %s", 7, "taken"), STK_BUSY);
    assert_int_equal(err.rc, STK_BUSY);
    assert_string_equal(err.text, "job 7 is taken");
}

static void fail__without_an_error_still_returns_the_code(void **unused)
{
    (void)unused;
    assert_int_equal(stk_fail(NULL, STK_DENIED, "no"), STK_DENIED);
}

static void fail__may_quote_the_error_that_it_replaces(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_BUSY, .text = "locked" };
    assert_int_equal(stk_fail(&err, STK_UNAVAILABLE, "could not commit: %s", err.text),
                     STK_UNAVAILABLE);
    assert_string_equal(err.text, "could not commit: locked");
}

static void fail__cuts_a_long_text_between_two_characters(void **unused)
{
    (void)unused;
    char text[500] = "";
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xA4", 2);
    }
    struct stk_error err = { 0 };
    (void)stk_fail(&err, STK_INVALID, "%s", text);
    assert_int_equal(strlen(err.text), 398);
    assert_true(stk_utf8_is_valid(err.text, strlen(err.text)));
    (void)stk_fail(&err, STK_INVALID, "x%s", text);
    assert_int_equal(strlen(err.text), 399);
}

static void fail_at__puts_the_place_in_front_and_keeps_the_code(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    (void)stk_fail(&err, STK_TOO_LARGE, "too many rows");
    assert_int_equal(stk_fail_at(&err, "line %d: ", 3), STK_TOO_LARGE);
    assert_int_equal(err.rc, STK_TOO_LARGE);
    assert_string_equal(err.text, "line 3: too many rows");
}

static void fail_at__cuts_what_grows_too_long(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    (void)stk_fail(&err, STK_INVALID, "cause");
    for (int i = 0; i < 100; i++) {
        (void)stk_fail_at(&err, "place %d: ", i);
    }
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "place 99: place 98: ", 20);
}

static void fail_at__without_an_error_is_internal(void **unused)
{
    (void)unused;
    assert_int_equal(stk_fail_at(NULL, "line 3: "), STK_INTERNAL);
}

static void rc__codes_are_what_the_table_says(void **unused)
{
    (void)unused;
    assert_string_equal(stk_rc_name(STK_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(stk_rc_text(STK_NOT_FOUND), "no such thing");
    assert_int_equal(stk_rc_http_status(STK_NOT_FOUND), 404);
    assert_int_equal(stk_rc_exit_status(STK_NOT_FOUND), 66);
    assert_false(stk_rc_may_try_again(STK_NOT_FOUND));
    assert_true(stk_rc_may_try_again(STK_BUSY));
}

static void rc__only_ok_leaves_with_status_0(void **unused)
{
    (void)unused;
    assert_int_equal(stk_rc_exit_status(STK_OK), 0);
    assert_int_equal(stk_rc_http_status(STK_OK), 200);
    for (int i = STK_OK + 1; i < RC_COUNT; i++) {
        assert_in_range(stk_rc_exit_status((enum stk_rc)i), 64, 78); /* sysexits.h */
        assert_in_range(stk_rc_http_status((enum stk_rc)i), 400, 599);
    }
}

static void rc__each_name_is_read_back(void **unused)
{
    (void)unused;
    for (int i = 0; i < RC_COUNT; i++) {
        enum stk_rc rc = STK_OK;
        assert_true(stk_rc_from_name(stk_rc_name((enum stk_rc)i), &rc));
        assert_int_equal(rc, i);
    }
}

static void rc__an_unknown_name_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "", "busy", "BUSY ", "STK_BUSY", "NOT_FOUN" };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        enum stk_rc rc = STK_DENIED;
        assert_false(stk_rc_from_name(wrong[i], &rc));
        assert_int_equal(rc, STK_DENIED); /* left alone */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail__fills_the_error_and_returns_its_code),
        cmocka_unit_test(fail__without_an_error_still_returns_the_code),
        cmocka_unit_test(fail__may_quote_the_error_that_it_replaces),
        cmocka_unit_test(fail__cuts_a_long_text_between_two_characters),
        cmocka_unit_test(fail_at__puts_the_place_in_front_and_keeps_the_code),
        cmocka_unit_test(fail_at__cuts_what_grows_too_long),
        cmocka_unit_test(fail_at__without_an_error_is_internal),
        cmocka_unit_test(rc__codes_are_what_the_table_says),
        cmocka_unit_test(rc__only_ok_leaves_with_status_0),
        cmocka_unit_test(rc__each_name_is_read_back),
        cmocka_unit_test(rc__an_unknown_name_is_refused),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
