/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    struct stk_error err = { 0 };
    if (stk_json_parse(text, strlen(text), &value, &err) != STK_OK) fail_msg("%s", err.text);
    return value;
}

static void check_refused(const char *text, size_t len, const char *wanted)
{
    json_t *value = NULL;
    struct stk_error err = { 0 };
    if (stk_json_parse(text, len, &value, &err) != STK_BAD_DATA) fail_msg("took '%s'", text);
    assert_null(value);
    if (strstr(err.text, wanted) == NULL) fail_msg("'%s' is not in '%s'", wanted, err.text);
    assert_true(stk_utf8_is_valid(err.text, strlen(err.text)));
}

static void check_canonical(const char *text, const char *wanted)
{
    STK_CLEANUP(stk_json_freep) json_t *value = parse(text);
    STK_CLEANUP(stk_freep) char *canonical = stk_json_text(value);
    assert_string_equal(canonical, wanted);

    STK_CLEANUP(stk_json_freep) json_t *back = parse(canonical);
    assert_true(json_equal(value, back));
}

static void parse__takes_scalars_too(void **unused)
{
    (void)unused;
    check_canonical(" 7 ", "7");
    check_canonical("\"x\"", "\"x\"");
    check_canonical("null", "null");
    check_canonical("[true,false]", "[true,false]");
}

static void parse__says_where_it_went_wrong(void **unused)
{
    (void)unused;
    check_refused("{\n \"a\": x}", 10, "line 2, column 7: ");
}

static void parse__refuses_what_is_not_one_value(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",         " ",        "{} {}",       "1 2",   "[1,]",     "{\"a\":1,}",
        "{'a':1}",  "[1",       "nul",         "NaN",   "Infinity", "01",
        "\"\x01\"", "\"\xFF\"", "\"\\ud800\"", "1e999", "-1e999",   "// c\n1",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        check_refused(wrong[i], strlen(wrong[i]), "line ");
    }
}

static void parse__refuses_a_key_given_twice(void **unused)
{
    (void)unused;
    static const char text[] = "{\"a\":{\"b\":1,\n\"b\":2}}";
    check_refused(text, strlen(text), "line 2, column 3: duplicate object key");
}

static void parse__refuses_integers_past_64_bits(void **unused)
{
    (void)unused;
    check_canonical("[9223372036854775807,-9223372036854775808]",
                    "[9223372036854775807,-9223372036854775808]");
    check_refused("9223372036854775808", 19, "too big");
}

static void parse__refuses_a_nul_in_a_string(void **unused)
{
    (void)unused;
    check_refused("\"a\\u0000b\"", 10, "\\u0000 is not allowed");
    check_refused("\"a\0b\"", 5, "line 1, column 3: a NUL byte");
    check_refused("[1\0,2]", 6, "line 1, column 3: a NUL byte");
    check_refused("1\0", 2, "line 1, column 2: a NUL byte");
}

static char *nest(size_t depth)
{
    struct stk_buf buf = STK_BUF_INIT;
    for (size_t i = 0; i < depth; i++) {
        stk_buf_adds(&buf, i % 2 == 0 ? "[" : "{\"k\":");
    }
    stk_buf_adds(&buf, "1");
    for (size_t i = depth; i-- > 0;) {
        stk_buf_adds(&buf, i % 2 == 0 ? "]" : "}");
    }
    return stk_buf_take(&buf);
}

static void parse__takes_64_levels_and_refuses_65(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *deep = nest(STK_JSON_DEPTH_MAX);
    check_canonical(deep, deep);
    STK_CLEANUP(stk_freep) char *deeper = nest(STK_JSON_DEPTH_MAX + 1);
    check_refused(deeper, strlen(deeper), "line 1, column 193: nested deeper than 64 levels");
    STK_CLEANUP(stk_freep) char *abyss = nest(1000 * 1000);
    check_refused(abyss, strlen(abyss), "nested deeper");
}

static void parse__counts_brackets_in_strings_as_text(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_adds(&buf, "[\"\\\\\",\"\\\"");
    for (int i = 0; i < 200; i++) {
        stk_buf_addc(&buf, '[');
    }
    stk_buf_adds(&buf, "\"]");
    check_canonical(buf.data, buf.data);
}

static void text__is_sorted_by_bytes_and_without_blanks(void **unused)
{
    (void)unused;
    check_canonical("{ \"b\" : [ 1 , 2 ], \"a\" : { }, \"B\" : null, \"\xC3\xA4\": 1, \"aa\":[] }",
                    "{\"B\":null,\"a\":{},\"aa\":[],\"b\":[1,2],\"\xC3\xA4\":1}");
}

static void text__keeps_reals_real_and_short(void **unused)
{
    (void)unused;
    check_canonical("[1.0, 0.1, 1E2, -0.0, 1e300, 3.14159265358979]",
                    "[1.0,0.1,100.0,-0.0,1e+300,3.14159265358979]");
}

static void text__escapes_only_what_json_demands(void **unused)
{
    (void)unused;
    check_canonical("\"\\u00e4\\/\\u007f\\ud83d\\ude00\"", "\"\xC3\xA4/\x7F\xF0\x9F\x98\x80\"");
    check_canonical("\"\\u0022\\u005c\\u0008\\u000c\\u000a\\u000d\\u0009\\u001B\"",
                    "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001b\"");
}

static void add_string__makes_json_of_any_bytes(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_json_add_string(&buf, "a\0b\xFF\xC3\xA4\xE2\x82", 8);
    assert_string_equal(buf.data, "\"a\xEF\xBF\xBD"
                                  "b\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\"");
    STK_CLEANUP(stk_json_freep) json_t *value = parse(buf.data);
    assert_true(json_is_string(value));
}

static void get__reads_members_of_the_right_type(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *object = parse("{\"s\":\"x\",\"i\":-5,\"b\":true}");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    assert_int_equal(stk_json_get_string(object, "s", &text, NULL), STK_OK);
    assert_int_equal(stk_json_get_int(object, "i", &number, NULL), STK_OK);
    assert_int_equal(stk_json_get_bool(object, "b", &flag, NULL), STK_OK);
    assert_string_equal(text, "x");
    assert_int_equal(number, -5);
    assert_true(flag);
}

static void get__of_an_absent_or_null_member_changes_nothing(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *object = parse("{\"n\":null}");
    const char *text = "kept";
    int64_t number = 77;
    bool flag = true;
    static const char *const names[] = { "n", "absent" };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        assert_int_equal(stk_json_get_string(object, names[i], &text, NULL), STK_OK);
        assert_int_equal(stk_json_get_int(object, names[i], &number, NULL), STK_OK);
        assert_int_equal(stk_json_get_bool(object, names[i], &flag, NULL), STK_OK);
    }
    assert_int_equal(stk_json_get_int(NULL, "n", &number, NULL), STK_OK);
    assert_string_equal(text, "kept");
    assert_int_equal(number, 77);
    assert_true(flag);
}

static void get__of_another_type_is_invalid_and_says_which(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *object = parse("{\"s\":\"5\",\"r\":5.0,\"i\":1,\"l\":[]}");
    struct stk_error err = { 0 };
    const char *text = NULL;
    int64_t number = 77;
    bool flag = false;
    assert_int_equal(stk_json_get_string(object, "i", &text, &err), STK_INVALID);
    assert_string_equal(err.text, "\"i\" must be a string, not a whole number");
    assert_int_equal(stk_json_get_int(object, "s", &number, &err), STK_INVALID);
    assert_string_equal(err.text, "\"s\" must be a whole number, not a string");
    assert_int_equal(stk_json_get_int(object, "r", &number, &err), STK_INVALID);
    assert_int_equal(stk_json_get_bool(object, "i", &flag, &err), STK_INVALID);
    assert_int_equal(stk_json_get_bool(object, "l", &flag, &err), STK_INVALID);
    assert_string_equal(err.text, "\"l\" must be true or false, not a list");
    assert_null(text);
    assert_int_equal(number, 77);
    assert_false(flag);
}

static const char *const allowed[] = { "queue", "limit", NULL };

static void only__takes_any_of_the_names(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *both = parse("{\"limit\":1,\"queue\":\"q\"}");
    STK_CLEANUP(stk_json_freep) json_t *none = parse("{}");
    assert_int_equal(stk_json_only(both, allowed, NULL), STK_OK);
    assert_int_equal(stk_json_only(none, allowed, NULL), STK_OK);
    assert_int_equal(stk_json_only(NULL, allowed, NULL), STK_OK);
}

static void only__refuses_an_unknown_name_and_guesses(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *near = parse("{\"queue\":1,\"limti\":1}");
    assert_int_equal(stk_json_only(near, allowed, &err), STK_INVALID);
    assert_string_equal(err.text, "unknown member \"limti\" (did you mean \"limit\"?)");
    STK_CLEANUP(stk_json_freep) json_t *far = parse("{\"\\u001b[2J\":1}");
    assert_int_equal(stk_json_only(far, allowed, &err), STK_INVALID);
    assert_string_equal(err.text, "unknown member \"\\x1b[2J\"");
}

static void only__refuses_what_is_not_an_object(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *list = parse("[]");
    assert_int_equal(stk_json_only(list, allowed, &err), STK_INVALID);
    assert_string_equal(err.text, "must be an object, not a list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__takes_scalars_too),
        cmocka_unit_test(parse__says_where_it_went_wrong),
        cmocka_unit_test(parse__refuses_what_is_not_one_value),
        cmocka_unit_test(parse__refuses_a_key_given_twice),
        cmocka_unit_test(parse__refuses_integers_past_64_bits),
        cmocka_unit_test(parse__refuses_a_nul_in_a_string),
        cmocka_unit_test(parse__takes_64_levels_and_refuses_65),
        cmocka_unit_test(parse__counts_brackets_in_strings_as_text),
        cmocka_unit_test(text__is_sorted_by_bytes_and_without_blanks),
        cmocka_unit_test(text__keeps_reals_real_and_short),
        cmocka_unit_test(text__escapes_only_what_json_demands),
        cmocka_unit_test(add_string__makes_json_of_any_bytes),
        cmocka_unit_test(get__reads_members_of_the_right_type),
        cmocka_unit_test(get__of_an_absent_or_null_member_changes_nothing),
        cmocka_unit_test(get__of_another_type_is_invalid_and_says_which),
        cmocka_unit_test(only__takes_any_of_the_names),
        cmocka_unit_test(only__refuses_an_unknown_name_and_guesses),
        cmocka_unit_test(only__refuses_what_is_not_an_object),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
