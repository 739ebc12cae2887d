/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/text.h"

static void parse_i64__reads_the_whole_range(void **unused)
{
    (void)unused;
    int64_t value = 0;
    assert_true(stk_parse_i64("9223372036854775807", &value));
    assert_true(value == INT64_MAX);
    assert_true(stk_parse_i64("-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    assert_true(stk_parse_i64("0", &value));
    assert_true(value == 0);
    assert_true(stk_parse_i64("0755", &value)); /* decimal, never octal */
    assert_true(value == 755);
}

static void parse_i64__refuses_all_but_the_whole_text(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "--1", "1e3", "9223372036854775808",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        int64_t value = 77;
        if (stk_parse_i64(wrong[i], &value)) fail_msg("took '%s'", wrong[i]);
        assert_int_equal(value, 77);
    }
}

static void parse_u32__refuses_signs_and_overflow(void **unused)
{
    (void)unused;
    uint32_t value = 77;
    assert_false(stk_parse_u32("-0", &value));
    assert_false(stk_parse_u32("-1", &value));
    assert_false(stk_parse_u32("4294967296", &value));
    assert_false(stk_parse_u32("", &value));
    assert_int_equal(value, 77);
    assert_true(stk_parse_u32("4294967295", &value));
    assert_true(value == UINT32_MAX);
}

static void parse_double__reads_decimals(void **unused)
{
    (void)unused;
    double value = 0;
    assert_true(stk_parse_double("-0.25e2", &value));
    assert_true(value == -25.0);
    assert_true(stk_parse_double("7", &value));
    assert_true(value == 7.0);
    assert_true(stk_parse_double("1e-400", &value)); /* too small is nought, and finite */
    assert_true(value == 0.0);
}

static void parse_double__refuses_what_is_not_a_finite_decimal(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",   "inf", "nan", "0x1p3", "1e400", "1.5x", " 1",
        "1 ", "1e",  "1,5", "+1",    ".",     "-",    "1.2.3",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        double value = 77;
        if (stk_parse_double(wrong[i], &value)) fail_msg("took '%s'", wrong[i]);
        assert_true(value == 77);
    }
}

static void parse_bool__knows_two_words(void **unused)
{
    (void)unused;
    bool value = false;
    assert_true(stk_parse_bool("true", &value));
    assert_true(value);
    assert_true(stk_parse_bool("false", &value));
    assert_false(value);
    assert_false(stk_parse_bool("True", &value));
    assert_false(stk_parse_bool("yes", &value));
    assert_false(stk_parse_bool("", &value));
}

static void double_text__is_the_shortest_that_stays_a_float(void **unused)
{
    (void)unused;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.1, "0.1" },
        { 1.0, "1.0" },
        { -3.0, "-3.0" },
        { 0.0, "0.0" },
        { -0.0, "-0.0" },
        { 1e20, "1e+20" },
        { 1e-7, "1e-07" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e15, "1e+15" },
        { 123456789012345.0, "123456789012345.0" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { 2.0 / 3, "0.6666666666666666" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        char text[32];
        stk_double_text(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void double_text__reads_back_as_the_same_bits(void **unused)
{
    (void)unused;
    struct stk_seeded seeded;
    stk_seeded_init(&seeded, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = stk_seeded_below(&seeded, UINT64_MAX);
        double value = 0, back = 0;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value)) continue;
        char text[32];
        stk_double_text(value, text);
        assert_true(stk_parse_double(text, &back));
        assert_memory_equal(&back, &value, sizeof(value));
    }
}

static void utf8__takes_all_lengths(void **unused)
{
    (void)unused;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xED\x9F\xBF";
    assert_true(stk_utf8_is_valid(text, sizeof(text) - 1));
    assert_true(stk_utf8_is_valid("", 0));
}

static void utf8__refuses_what_is_broken(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {
        { "\0", 1 },               /* NUL */
        { "\x80", 1 },             /* no lead */
        { "\xC3", 1 },             /* cut */
        { "\xC3q", 2 },            /* no tail */
        { "\xC0\xAF", 2 },         /* overlong */
        { "\xC1\xBF", 2 },         /* overlong */
        { "\xE0\x9F\xBF", 3 },     /* overlong */
        { "\xF0\x8F\xBF\xBF", 4 }, /* overlong */
        { "\xED\xA0\x80", 3 },     /* surrogate */
        { "\xF4\x90\x80\x80", 4 }, /* past U+10FFFF */
        { "\xF5\x80\x80\x80", 4 }, /* no such lead */
        { "\xE2\x82", 2 },         /* cut */
        { "\xF0\x9F\x98", 3 },     /* cut */
        { "\xE2\x82q", 3 },        /* no tail */
        { "\xFF", 1 },             /* no such byte */
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        if (stk_utf8_is_valid(wrong[i].bytes, wrong[i].len)) fail_msg("took row %zu", i);
    }
}

static void utf8_cut__never_halves_a_character(void **unused)
{
    (void)unused;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10 };
    for (size_t len = 0; len < STK_ARRAY_LEN(kept); len++) {
        assert_int_equal(stk_utf8_cut(text, len), kept[len]);
    }
    assert_int_equal(stk_utf8_cut("\x80\x80\x80\x80\x80", 5), 5); /* not text: nothing to save */
}

static void utf8_tail__never_begins_inside_a_character(void **unused)
{
    (void)unused;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t kept[] = { 0, 0, 0, 0, 4, 4, 4, 7, 7, 9, 10, 10 };
    for (size_t max = 0; max < STK_ARRAY_LEN(kept); max++) {
        const char *tail = stk_utf8_tail(text, 10, max);
        assert_int_equal(text + 10 - tail, kept[max]);
    }
}

static void utf8_tail__of_bytes_that_are_no_text_is_cut_anywhere(void **unused)
{
    (void)unused;
    static const char bytes[] = "\x80\x80\x80\x80\x80\x80";
    assert_ptr_equal(stk_utf8_tail(bytes, 6, 2), bytes + 4);
}

static void check_escaped(const char *bytes, size_t len, const char *wanted)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_text_add_escaped(&buf, bytes, len);
    assert_string_equal(stk_buf_str(&buf), wanted);
}

static void escaped__keeps_text_and_tabs(void **unused)
{
    (void)unused;
    check_escaped("", 0, "");
    check_escaped("a\t\"b\\ \xE2\x82\xAC", 9, "a\t\"b\\ \xE2\x82\xAC");
    check_escaped("\xC2\xA0", 2, "\xC2\xA0"); /* the first after C1 */
}

static void escaped__shows_controls_and_broken_bytes(void **unused)
{
    (void)unused;
    check_escaped("\x1b[31m", 5, "\\x1b[31m");
    check_escaped("a\r\nb", 4, "a\\x0d\\x0ab");
    check_escaped("\x7f", 1, "\\x7f");
    check_escaped("\0", 1, "\\x00");
    check_escaped("\xC2\x9B"
                  "1m",
                  4, "\\xc2\\x9b1m"); /* C1: CSI in one character */
    check_escaped("x\xFFy\xE2\x82", 5, "x\\xffy\\xe2\\x82");
}

static void name__is_what_people_choose(void **unused)
{
    (void)unused;
    static const char *const right[] = { "a", "_x", "7", "daily/2026-11-24:EUR.USD_1", "A-b" };
    for (size_t i = 0; i < STK_ARRAY_LEN(right); i++) {
        if (!stk_name_is_valid(right[i])) fail_msg("refused '%s'", right[i]);
    }
}

static void name__refuses_blanks_controls_and_odd_beginnings(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "", "-a", ".a", ":a", "/a", "a b", "a\n", "a;b", "\xC3\xA4"
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        if (stk_name_is_valid(wrong[i])) fail_msg("took '%s'", wrong[i]);
    }
}

static void name__has_at_most_128_bytes(void **unused)
{
    (void)unused;
    char text[130];
    memset(text, 'n', sizeof(text));
    text[128] = '\0';
    assert_true(stk_name_is_valid(text));
    text[128] = 'n';
    text[129] = '\0';
    assert_false(stk_name_is_valid(text));
}

static const char *const words[] = { "retry", "timeout", "queue", "key", "queues" };

static void check_nearest(const char *wrong, const char *wanted)
{
    const char *found = stk_nearest(wrong, words, STK_ARRAY_LEN(words));
    if (wanted == NULL) {
        if (found != NULL) fail_msg("'%s' gave '%s'", wrong, found);
        return;
    }
    if (found == NULL) fail_msg("'%s' gave nothing", wrong);
    assert_string_equal(found, wanted);
}

static void nearest__finds_what_was_meant(void **unused)
{
    (void)unused;
    check_nearest("retyr", "retry");      /* swapped */
    check_nearest("timout", "timeout");   /* lost */
    check_nearest("tiemouts", "timeout"); /* swapped and added */
    check_nearest("qeue", "queue");
    check_nearest("queues", "queues"); /* the nearest, not the first */
    check_nearest("kay", "key");
}

static void nearest__finds_nothing_far_away(void **unused)
{
    (void)unused;
    check_nearest("retries", NULL); /* three edits */
    check_nearest("ke", NULL);      /* one edit is half of so short a word */
    check_nearest("", NULL);
    check_nearest("xyz", NULL);
    char text[200];
    memset(text, 'q', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    check_nearest(text, NULL);
    assert_null(stk_nearest("queue", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_i64__reads_the_whole_range),
        cmocka_unit_test(parse_i64__refuses_all_but_the_whole_text),
        cmocka_unit_test(parse_u32__refuses_signs_and_overflow),
        cmocka_unit_test(parse_double__reads_decimals),
        cmocka_unit_test(parse_double__refuses_what_is_not_a_finite_decimal),
        cmocka_unit_test(parse_bool__knows_two_words),
        cmocka_unit_test(double_text__is_the_shortest_that_stays_a_float),
        cmocka_unit_test(double_text__reads_back_as_the_same_bits),
        cmocka_unit_test(utf8__takes_all_lengths),
        cmocka_unit_test(utf8__refuses_what_is_broken),
        cmocka_unit_test(utf8_cut__never_halves_a_character),
        cmocka_unit_test(utf8_tail__never_begins_inside_a_character),
        cmocka_unit_test(utf8_tail__of_bytes_that_are_no_text_is_cut_anywhere),
        cmocka_unit_test(escaped__keeps_text_and_tabs),
        cmocka_unit_test(escaped__shows_controls_and_broken_bytes),
        cmocka_unit_test(name__is_what_people_choose),
        cmocka_unit_test(name__refuses_blanks_controls_and_odd_beginnings),
        cmocka_unit_test(name__has_at_most_128_bytes),
        cmocka_unit_test(nearest__finds_what_was_meant),
        cmocka_unit_test(nearest__finds_nothing_far_away),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
