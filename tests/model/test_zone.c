/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/timetext.h"
#include "model/zone.h"

static void free_zone(struct stk_zone **zone)
{
    stk_zone_free(*zone);
}

static struct stk_zone *must_open(const char *name)
{
    struct stk_zone *zone = NULL;
    if (stk_zone_open(name, &zone, NULL) != STK_OK) skip();
    return zone;
}

static void assert_next_day(const struct stk_zone *zone, const char *at, const char *wanted)
{
    stk_time_ns time = 0;
    char text[STK_TIME_TEXT];
    assert_true(stk_time_parse(at, &time));
    stk_time_text(stk_zone_next_day(zone, time), text);
    assert_string_equal(text, wanted);
}

static void next_day__of_utc_needs_no_file(void **unused)
{
    (void)unused;
    struct stk_zone *zone = NULL;
    assert_int_equal(stk_zone_open("UTC", &zone, NULL), STK_OK);
    assert_null(zone);
    assert_next_day(zone, "2026-11-24T10:15:00.5Z", "2026-11-25T00:00:00.000Z");
    assert_next_day(zone, "2026-11-25T00:00:00Z", "2026-11-26T00:00:00.000Z");
}

static void next_day__of_new_york_follows_its_summer_time(void **unused)
{
    (void)unused;
    STK_CLEANUP(free_zone) struct stk_zone *zone = must_open("America/New_York");
    assert_next_day(zone, "2026-03-07T12:00:00Z", "2026-03-08T05:00:00.000Z");
    assert_next_day(zone, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00.000Z"); /* 23 hours */
    assert_next_day(zone, "2026-03-08T07:00:00Z", "2026-03-09T04:00:00.000Z");
    assert_next_day(zone, "2026-11-01T03:59:59.999Z", "2026-11-01T04:00:00.000Z");
    assert_next_day(zone, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00.000Z"); /* 25 hours */
    assert_next_day(zone, "2026-11-01T06:30:00Z", "2026-11-02T05:00:00.000Z");
}

static void next_day__goes_on_by_the_rule_after_the_last_transition(void **unused)
{
    (void)unused;
    STK_CLEANUP(free_zone) struct stk_zone *zone = must_open("America/New_York");
    assert_next_day(zone, "2060-03-14T05:00:00Z", "2060-03-15T04:00:00.000Z");
    assert_next_day(zone, "2060-11-07T04:00:00Z", "2060-11-08T05:00:00.000Z");
    assert_next_day(zone, "2060-07-01T04:00:00Z", "2060-07-02T04:00:00.000Z");
}

static void next_day__south_of_the_equator_summer_spans_the_new_year(void **unused)
{
    (void)unused;
    STK_CLEANUP(free_zone) struct stk_zone *zone = must_open("Australia/Sydney");
    assert_next_day(zone, "2060-01-10T00:00:00Z", "2060-01-10T13:00:00.000Z");
    assert_next_day(zone, "2060-07-10T00:00:00Z", "2060-07-10T14:00:00.000Z");
}

static void next_day__begins_later_where_midnight_is_left_out(void **unused)
{
    (void)unused;
    STK_CLEANUP(free_zone) struct stk_zone *zone = must_open("America/Sao_Paulo");
    assert_next_day(zone, "2018-11-03T12:00:00Z", "2018-11-04T03:00:00.000Z");
    assert_next_day(zone, "2019-02-16T12:00:00Z", "2019-02-17T03:00:00.000Z");
}

static void next_day__knows_offsets_of_half_hours_and_no_summer(void **unused)
{
    (void)unused;
    STK_CLEANUP(free_zone) struct stk_zone *zone = must_open("Asia/Kolkata");
    assert_next_day(zone, "2026-11-24T10:00:00Z", "2026-11-24T18:30:00.000Z");
}

static void zone__what_is_none_is_refused_and_leaves_the_folder_alone(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",          "America/Nowhere", "../../../etc/passwd", "/etc/passwd", "America",
        "tzdata.zi", "America/"
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        struct stk_zone *zone = NULL;
        struct stk_error err = { 0 };
        assert_int_equal(stk_zone_open(wrong[i], &zone, &err), STK_NOT_FOUND);
        assert_null(zone);
    }
}

/* A file of version 2 as zic writes it with -b slim: no transitions, only a rule. */
static size_t make_file(char *bytes, const char *rule)
{
    char part[44 + 6 + 4] = "TZif2";
    part[39] = 1; /* a type */
    part[43] = 4; /* four bytes of names */
    memcpy(bytes, part, sizeof(part));
    memcpy(bytes + sizeof(part), part, sizeof(part));
    memcpy(bytes + 2 * sizeof(part), rule, strlen(rule));
    return 2 * sizeof(part) + strlen(rule);
}

static void zone__rules_of_all_forms_are_read(void **unused)
{
    (void)unused;
    static const struct {
        const char *rule, *at, *next;
    } rows[] = {
        { "\n<+03>-3\n", "2026-11-24T10:00:00Z", "2026-11-24T21:00:00.000Z" },
        { "\n\n", "2026-11-24T10:00:00Z", "2026-11-25T00:00:00.000Z" },
        { "\nEST5EDT,M3.2.0,M11.1.0\n", "2026-07-01T10:00:00Z", "2026-07-02T04:00:00.000Z" },
        { "\nX5Y4,J60/0,J300/-1:30\n", "2028-03-01T04:59:59Z", "2028-03-01T05:00:00.000Z" },
        { "\nX5Y4,J60/0,J300/-1:30\n", "2028-03-01T05:00:00Z", "2028-03-02T04:00:00.000Z" },
        { "\nX5Y4,59/0,299\n", "2026-03-01T05:00:00Z", "2026-03-02T04:00:00.000Z" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        char bytes[256];
        struct stk_zone *zone = NULL;
        assert_true(stk_zone_parse(bytes, make_file(bytes, rows[i].rule), &zone));
        assert_next_day(zone, rows[i].at, rows[i].next);
        stk_zone_free(zone);
    }
}

static void zone__a_cut_or_damaged_file_is_refused(void **unused)
{
    (void)unused;
    char bytes[256];
    struct stk_zone *zone = NULL;
    size_t len = make_file(bytes, "\nEST5EDT,M3.2.0,M11.1.0\n");
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(stk_zone_parse(bytes, cut, &zone));
    }
    static const char *const rules[] = {
        "\nEST\n", "\nEST5EDT,M13.1.0,M11.1.0\n", "\nEST5EDT,M3.2.0\n", "\n5\n", "\nEST5 \n", "EST5"
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rules); i++) {
        assert_false(stk_zone_parse(bytes, make_file(bytes, rules[i]), &zone));
    }
    bytes[32] = 0x7f; /* more transitions than the file can hold */
    assert_false(stk_zone_parse(bytes, len, &zone));
    assert_null(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_day__of_utc_needs_no_file),
        cmocka_unit_test(next_day__of_new_york_follows_its_summer_time),
        cmocka_unit_test(next_day__goes_on_by_the_rule_after_the_last_transition),
        cmocka_unit_test(next_day__south_of_the_equator_summer_spans_the_new_year),
        cmocka_unit_test(next_day__begins_later_where_midnight_is_left_out),
        cmocka_unit_test(next_day__knows_offsets_of_half_hours_and_no_summer),
        cmocka_unit_test(zone__what_is_none_is_refused_and_leaves_the_folder_alone),
        cmocka_unit_test(zone__rules_of_all_forms_are_read),
        cmocka_unit_test(zone__a_cut_or_damaged_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
