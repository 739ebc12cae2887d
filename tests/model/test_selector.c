/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "model/selector.h"

static void assert_selects(const char *text, enum stk_selector_kind kind, int64_t first,
                           int64_t last)
{
    struct stk_selector found = { 0 };
    assert_int_equal(stk_selector_parse(text, &found, NULL), STK_OK);
    assert_int_equal(found.kind, kind);
    assert_int_equal(found.first, first);
    assert_int_equal(found.last, last);
}

static void selector__takes_a_number(void **unused)
{
    (void)unused;
    assert_selects("5", STK_SELECT_IDS, 5, 5);
    assert_selects("9223372036854775807", STK_SELECT_IDS, INT64_MAX, INT64_MAX);
}

static void selector__takes_a_range_with_both_ends(void **unused)
{
    (void)unused;
    assert_selects("1-10", STK_SELECT_IDS, 1, 10);
    assert_selects("7-7", STK_SELECT_IDS, 7, 7);
}

static void selector__takes_the_last_job(void **unused)
{
    (void)unused;
    assert_selects("last", STK_SELECT_LAST, 0, 0);
}

static void selector__takes_a_sweep_by_number_or_the_last(void **unused)
{
    (void)unused;
    assert_selects("sweep:3", STK_SELECT_SWEEP, 3, 0);
    assert_selects("sweep:last", STK_SELECT_SWEEP, 0, 0);
}

static void selector__refuses_everything_else_and_names_the_forms(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",         "0",      "-5",     "+5",      "5-",      "-",        "1-2-3",
        "0-5",      "a",      "5 ",     " 5",      "1 - 5",   "5.0",      "9223372036854775808",
        "Last",     "sweep",  "sweep:", "sweep:0", "sweep:x", "sweep:-1", "sweep:1-2",
        "sweep: 1", "last-5",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        struct stk_selector found = { .first = -7 };
        struct stk_error err = { 0 };
        assert_int_equal(stk_selector_parse(wrong[i], &found, &err), STK_INVALID);
        assert_int_equal(found.first, -7); /* left alone */
        assert_non_null(strstr(err.text, "1-10"));
        assert_non_null(strstr(err.text, "sweep:3"));
    }
}

static void selector__refuses_a_range_that_goes_down(void **unused)
{
    (void)unused;
    struct stk_selector found = { 0 };
    struct stk_error err = { 0 };
    assert_int_equal(stk_selector_parse("10-1", &found, &err), STK_INVALID);
    assert_string_equal(err.text, "the range \"10-1\" is empty: write the smaller number first");
}

static void selector__quotes_what_was_typed_without_its_escape_codes(void **unused)
{
    (void)unused;
    struct stk_selector found = { 0 };
    struct stk_error err = { 0 };
    assert_int_equal(stk_selector_parse("\x1b[2Jx", &found, &err), STK_INVALID);
    assert_null(strchr(err.text, '\x1b'));
    assert_non_null(strstr(err.text, "[2Jx\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selector__takes_a_number),
        cmocka_unit_test(selector__takes_a_range_with_both_ends),
        cmocka_unit_test(selector__takes_the_last_job),
        cmocka_unit_test(selector__takes_a_sweep_by_number_or_the_last),
        cmocka_unit_test(selector__refuses_everything_else_and_names_the_forms),
        cmocka_unit_test(selector__refuses_a_range_that_goes_down),
        cmocka_unit_test(selector__quotes_what_was_typed_without_its_escape_codes),
    };
    return cmocka_run_group_tests_name("model/selector", tests, NULL, NULL);
}
