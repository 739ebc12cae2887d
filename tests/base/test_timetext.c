/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rand.h"
#include "base/timetext.h"

#define DAY_2026_11_24 (INT64_C(20781) * STK_DAY)

static void check_time_text(stk_time_ns time, const char *wanted)
{
    char text[STK_TIME_TEXT];
    stk_time_text(time, text);
    assert_string_equal(text, wanted);
}

static void time_text__is_rfc_3339_in_utc(void **unused)
{
    (void)unused;
    check_time_text(0, "1970-01-01T00:00:00.000Z");
    check_time_text(DAY_2026_11_24 + 3 * STK_HOUR + 10 * STK_MINUTE + 125 * STK_MS,
                    "2026-11-24T03:10:00.125Z");
}

static void time_text__cuts_what_is_finer_than_a_millisecond(void **unused)
{
    (void)unused;
    check_time_text(STK_SECOND - 1, "1970-01-01T00:00:00.999Z");
    check_time_text(-1, "1969-12-31T23:59:59.999Z");
    check_time_text(-STK_SECOND, "1969-12-31T23:59:59.000Z");
}

static void time_text__has_a_text_for_every_time(void **unused)
{
    (void)unused;
    check_time_text(INT64_MAX, "2262-04-11T23:47:16.854Z");
    check_time_text(INT64_MIN, "1677-09-21T00:12:43.145Z");
}

static void time_text__does_not_know_the_zone_of_the_machine(void **unused)
{
    (void)unused;
    (void)setenv("TZ", "America/New_York", 1);
    tzset();
    stk_time_ns time = -1;
    check_time_text(0, "1970-01-01T00:00:00.000Z");
    assert_true(stk_time_parse("1970-01-01T00:00:00Z", &time));
    assert_int_equal(time, 0);
    (void)unsetenv("TZ");
    tzset();
}

static void time_parse__reads_zones_fractions_and_a_blank(void **unused)
{
    (void)unused;
    stk_time_ns at_3_10 = DAY_2026_11_24 + 3 * STK_HOUR + 10 * STK_MINUTE;
    const struct {
        const char *text;
        stk_time_ns time;
    } cases[] = {
        { "2026-11-24T03:10:00Z", at_3_10 },
        { "2026-11-24 03:10:00Z", at_3_10 },
        { "2026-11-24T04:10:00+01:00", at_3_10 },
        { "2026-11-23T21:40:00-05:30", at_3_10 },
        { "2026-11-24T03:10:00.5Z", at_3_10 + 500 * STK_MS },
        { "2026-11-24T03:10:00.000000001Z", at_3_10 + 1 },
        { "1970-01-01T00:00:00Z", 0 },
        { "2024-02-29T00:00:00Z", INT64_C(19782) * STK_DAY },
        { "2261-12-31T23:59:59.999999999Z", INT64_C(106651) * STK_DAY - 1 },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        stk_time_ns time = -1;
        if (!stk_time_parse(cases[i].text, &time)) fail_msg("refused '%s'", cases[i].text);
        if (time != cases[i].time) fail_msg("misread '%s'", cases[i].text);
    }
}

static void time_parse__refuses_what_is_not_a_time(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",
        "2026-11-24",
        "2026-11-24T03:10:00",
        "2026-11-24T03:10Z",
        "2026-11-24t03:10:00Z",
        "2026-11-24T03:10:00z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T23:60:00Z",
        "2026-11-24T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "1970-01-01T00:00:00+00:01",
        "2026-11-24T03:10:00.Z",
        "2026-11-24T03:10:00.1234567891Z",
        "2026-11-24T03:10:00+0100",
        "2026-11-24T03:10:00+24:00",
        "2026-11-24T03:10:00+01:60",
        "2026-11-24T03:10:00Z ",
        " 2026-11-24T03:10:00Z",
        "2026-11-24T03:10:00 Z",
        "2026-1-24T03:10:00Z",
        "now",
        "+026-11-24T03:10:00Z",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        stk_time_ns time = 77;
        if (stk_time_parse(wrong[i], &time)) fail_msg("took '%s'", wrong[i]);
        assert_int_equal(time, 77);
    }
}

static void time_parse__reads_back_what_time_text_wrote(void **unused)
{
    (void)unused;
    struct stk_seeded seeded;
    stk_seeded_init(&seeded, 2);
    for (int i = 0; i < 2000; i++) {
        uint64_t ms = stk_seeded_below(&seeded, UINT64_C(106651) * 86400 * 1000);
        stk_time_ns time = (stk_time_ns)ms * STK_MS, back = -1;
        char text[STK_TIME_TEXT];
        stk_time_text(time, text);
        assert_true(stk_time_parse(text, &back));
        assert_true(back == time);
    }
}

static void duration_parse__reads_units_and_fractions_exactly(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        stk_time_ns duration;
    } cases[] = {
        { "0", 0 },
        { "0s", 0 },
        { "90s", 90 * STK_SECOND },
        { "250ms", 250 * STK_MS },
        { "7us", 7 * STK_US },
        { "2d", 2 * STK_DAY },
        { "1h30m", 90 * STK_MINUTE },
        { "1.5h", 90 * STK_MINUTE },
        { "1d2h3m4s5ms6us",
          STK_DAY + 2 * STK_HOUR + 3 * STK_MINUTE + 4 * STK_SECOND + 5 * STK_MS + 6 * STK_US },
        { "0.1d", 144 * STK_MINUTE },
        { "0.3s", 300 * STK_MS }, /* 0.3 is no double */
        { "0.000000001s", 1 },
        { "0.001us", 1 },
        { "1.500000000us", 1500 },
        { "0.000000001d", 86400 },
        { "9223372036.854775807s", INT64_MAX },
        { "106751d23h47m16s854ms775.807us", INT64_MAX },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        stk_time_ns duration = -1;
        if (!stk_duration_parse(cases[i].text, &duration)) fail_msg("refused '%s'", cases[i].text);
        if (duration != cases[i].duration) fail_msg("misread '%s'", cases[i].text);
    }
}

static void duration_parse__refuses_what_is_not_clear(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",       "5",     "00",   "-5s",   "+5s", " 5s",      "5s ",           "5 s",
        "s",      "h1",    "1m1h", "1s1s",  "1h2", "1x",       "1.h",           ".5h",
        "1.5.5h", "1..5h", "1e3s", "1min",  "1H",  "0.0005us", "0.0000000001s", "1ns",
        "1s.5ms", "1h-5m", ".",    "1m2ss",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        stk_time_ns duration = 77;
        if (stk_duration_parse(wrong[i], &duration)) fail_msg("took '%s'", wrong[i]);
        assert_int_equal(duration, 77);
    }
}

static void duration_parse__refuses_overflow(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "9223372036.854775808s",
        "106752d",
        "106751d24h",
        "99999999999999999999s",
        "9223372036854775807s",
        "106751d23h47m16s854ms775.808us",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        stk_time_ns duration = 77;
        if (stk_duration_parse(wrong[i], &duration)) fail_msg("took '%s'", wrong[i]);
        assert_int_equal(duration, 77);
    }
}

static void duration_text__has_at_most_two_units(void **unused)
{
    (void)unused;
    static const struct {
        stk_time_ns duration;
        const char *text;
    } cases[] = {
        { 0, "0s" },
        { 1, "0.001us" },
        { 500, "0.5us" },
        { 1500, "1.5us" },
        { 850 * STK_MS, "850ms" },
        { STK_SECOND - 1, "999ms" },
        { STK_SECOND, "1s" },
        { 1250 * STK_MS, "1.25s" },
        { 1257 * STK_MS, "1.25s" },
        { 45 * STK_SECOND, "45s" },
        { 45318 * STK_MS, "45.3s" },
        { STK_MINUTE - 1, "59.9s" },
        { STK_MINUTE, "1m" },
        { 5 * STK_MINUTE + 12 * STK_SECOND + 700 * STK_MS, "5m 12s" },
        { 3 * STK_HOUR + 12 * STK_MINUTE + 59 * STK_SECOND, "3h 12m" },
        { 3 * STK_HOUR + 59 * STK_SECOND, "3h" },
        { 2 * STK_DAY + 3 * STK_HOUR, "2d 3h" },
        { -90 * STK_MINUTE, "-1h 30m" },
        { INT64_MAX, "106751d 23h" },
        { INT64_MIN, "-106751d 23h" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        char text[STK_DURATION_TEXT];
        stk_duration_text(cases[i].duration, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_text__is_rfc_3339_in_utc),
        cmocka_unit_test(time_text__cuts_what_is_finer_than_a_millisecond),
        cmocka_unit_test(time_text__has_a_text_for_every_time),
        cmocka_unit_test(time_text__does_not_know_the_zone_of_the_machine),
        cmocka_unit_test(time_parse__reads_zones_fractions_and_a_blank),
        cmocka_unit_test(time_parse__refuses_what_is_not_a_time),
        cmocka_unit_test(time_parse__reads_back_what_time_text_wrote),
        cmocka_unit_test(duration_parse__reads_units_and_fractions_exactly),
        cmocka_unit_test(duration_parse__refuses_what_is_not_clear),
        cmocka_unit_test(duration_parse__refuses_overflow),
        cmocka_unit_test(duration_text__has_at_most_two_units),
    };
    return cmocka_run_group_tests_name("base/timetext", tests, NULL, NULL);
}
