/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/limit_config.h"

struct limits {
    struct stk_limit_spec *specs;
    size_t count;
};

static void release_limits(struct limits *limits)
{
    for (size_t i = 0; i < limits->count; i++) {
        stk_limit_spec_release(&limits->specs[i]);
    }
    free(limits->specs);
}

static enum stk_rc read_yaml(const char *yaml, struct limits *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    assert_int_equal(stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, err), STK_OK);
    return stk_limit_config_read(stk_node_get(root, "limits"), &ret->specs, &ret->count, err);
}

static struct limits must_read(const char *yaml)
{
    struct limits limits = { 0 };
    struct stk_error err = { 0 };
    if (read_yaml(yaml, &limits, &err) != STK_OK) {
        print_error("%s\nrefused: %s\n", yaml, err.text);
        abort();
    }
    return limits;
}

/* The one limit `a`, whose keys stand in `keys`. */
static struct limits must_read_one(const char *keys)
{
    STK_CLEANUP(stk_freep) char *yaml = stk_format("limits:\n  a: %s\n", keys);
    return must_read(yaml);
}

static void assert_refused(const char *keys, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *yaml = stk_format("limits:\n  a: %s\n", keys);
    struct limits limits = { 0 };
    struct stk_error err = { 0 };
    enum stk_rc rc = read_yaml(yaml, &limits, &err);
    if (rc == STK_OK) fail_msg("%s was accepted", keys);
    assert_int_equal(rc, STK_BAD_CONFIG);
    assert_null(limits.specs);
    if (strstr(err.text, wanted) != err.text) assert_string_equal(err.text, wanted);
}

static void limits__none_are_none(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits) struct limits limits = must_read("workers: 2\n");
    assert_int_equal(limits.count, 0);
}

static void limits__are_sorted_by_name_and_have_defaults(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits)
    struct limits limits = must_read("limits:\n  b: {rate: 60/min}\n  a: {concurrency: 3}\n");
    assert_int_equal(limits.count, 2);
    const struct stk_limit_spec *a = &limits.specs[0];
    assert_string_equal(a->name, "a");
    assert_int_equal(a->class_, STK_LIMIT_CLASS_SUBMIT);
    assert_int_equal(a->rate, 0);
    assert_int_equal(a->burst, 1);
    assert_true(a->adaptive);
    assert_int_equal(a->concurrency, 3);
    assert_int_equal(a->quota, 0);
    assert_int_equal(a->cooldown_ns, 30 * STK_SECOND);
    assert_int_equal(a->cooldown_max_ns, STK_HOUR);
    assert_int_equal(a->breaker_errors, 5);
    assert_int_equal(a->breaker_within_ns, 120 * STK_SECOND);
    assert_int_equal(a->breaker_open_ns, 300 * STK_SECOND);
    assert_int_equal(a->learned_ttl_ns, 30 * STK_MINUTE);
    assert_int_equal(limits.specs[1].rate, 60);
    assert_int_equal(limits.specs[1].per_ns, STK_MINUTE);
}

static void limits__every_key_is_read(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits)
    struct limits limits = must_read_one(
        "{class: poll, rate: 1/10s, burst: 4, adaptive: false, concurrency: 2, quota: 5000/day, "
        "zone: UTC, cooldown: 5s, cooldown_max: 1m, learned_ttl: 10m, "
        "breaker: {errors: 3, within: 10s, open: 1m}}");
    const struct stk_limit_spec *a = &limits.specs[0];
    assert_int_equal(a->class_, STK_LIMIT_CLASS_POLL);
    assert_int_equal(a->rate, 1);
    assert_int_equal(a->per_ns, 10 * STK_SECOND);
    assert_int_equal(a->burst, 4);
    assert_false(a->adaptive);
    assert_int_equal(a->concurrency, 2);
    assert_int_equal(a->quota, 5000);
    assert_int_equal(a->quota_ns, STK_DAY);
    assert_string_equal(a->zone, "UTC");
    assert_int_equal(a->cooldown_ns, 5 * STK_SECOND);
    assert_int_equal(a->cooldown_max_ns, STK_MINUTE);
    assert_int_equal(a->learned_ttl_ns, 10 * STK_MINUTE);
    assert_int_equal(a->breaker_errors, 3);
    assert_int_equal(a->breaker_within_ns, 10 * STK_SECOND);
    assert_int_equal(a->breaker_open_ns, STK_MINUTE);
}

static void limits__a_zone_brings_its_rules(void **unused)
{
    (void)unused;
    struct stk_zone *zone = NULL;
    if (stk_zone_open("America/New_York", &zone, NULL) != STK_OK) skip();
    stk_zone_free(zone);
    STK_CLEANUP(release_limits)
    struct limits limits = must_read_one("{quota: 5000/day, zone: America/New_York}");
    assert_non_null(limits.specs[0].rules);
}

static void limits__a_breaker_may_be_left_out(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits) struct limits limits = must_read_one("{breaker: none}");
    assert_int_equal(limits.specs[0].breaker_errors, 0);
}

static void limits__a_shorter_maximum_shortens_the_usual_cooldown(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits) struct limits limits = must_read_one("{cooldown_max: 10s}");
    assert_int_equal(limits.specs[0].cooldown_ns, 10 * STK_SECOND);
}

static void profiles__all_are_known_and_what_is_given_wins(void **unused)
{
    (void)unused;
    static const char *const names[] = { "retry-after",      "x-ratelimit", "ietf-ratelimit",
                                         "gcra-fixed",       "daily-quota", "aimd",
                                         "concurrency-slots" };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        STK_CLEANUP(stk_freep)
        char *keys = stk_format("{concurrency: 7, rate: 9/h, profile: %s, cooldown: 2s}", names[i]);
        STK_CLEANUP(release_limits) struct limits limits = must_read_one(keys);
        assert_string_equal(limits.specs[0].name, "a");
        assert_int_equal(limits.specs[0].concurrency, 7);
        assert_int_equal(limits.specs[0].rate, 9);
        assert_int_equal(limits.specs[0].per_ns, STK_HOUR);
        assert_int_equal(limits.specs[0].cooldown_ns, 2 * STK_SECOND);
        assert_int_equal(limits.specs[0].adaptive, strcmp(names[i], "aimd") == 0);
    }
}

static void profiles__a_daily_quota_may_stand_without_a_number(void **unused)
{
    (void)unused;
    STK_CLEANUP(release_limits)
    struct limits limits = must_read_one("{profile: daily-quota, zone: UTC}");
    assert_int_equal(limits.specs[0].quota, 0);
    assert_int_equal(limits.specs[0].quota_ns, STK_DAY);
}

static void limits__what_is_wrong_is_refused_at_its_line(void **unused)
{
    (void)unused;
    static const struct {
        const char *keys, *wanted;
    } rows[] = {
        { "{rat: 5/s}", "stoker.yaml:2: limits.a.rat: unknown key (did you mean \"rate\"?)" },
        { "5", "stoker.yaml:2: limits.a: " },
        { "{rate: 5}", "stoker.yaml:2: limits.a.rate: \"5\" is not so many in so long: write" },
        { "{rate: 0/s}", "stoker.yaml:2: limits.a.rate: " },
        { "{rate: 5/fortnight}", "stoker.yaml:2: limits.a.rate: " },
        { "{rate: 99999999/s}", "stoker.yaml:2: limits.a.rate: \"99999999/s\": at most 1000000" },
        { "{burst: 2}", "stoker.yaml:2: limits.a.burst: is of a rate" },
        { "{rate: 1/s, burst: 0}", "stoker.yaml:2: limits.a.burst: " },
        { "{class: pol}",
          "stoker.yaml:2: limits.a.class: there is no \"pol\" (did you mean \"poll\"?)" },
        { "{class: zzz}",
          "stoker.yaml:2: limits.a.class: there is no \"zzz\"; there are submit, " },
        { "{profile: aimb}",
          "stoker.yaml:2: limits.a.profile: there is no \"aimb\" (did you mean \"aimd\"?)" },
        { "{quota: 5/min}", "stoker.yaml:2: limits.a.quota: a quota is of a day or an hour" },
        { "{zone: UTC}", "stoker.yaml:2: limits.a.zone: is of a quota of a day" },
        { "{quota: 5/h, zone: UTC}", "stoker.yaml:2: limits.a.zone: is of a quota of a day" },
        { "{quota: 5/day, zone: Mars/Base}",
          "stoker.yaml:2: limits.a.zone: no time zone Mars/Base" },
        { "{quota: 5/day, zone: ../x}", "stoker.yaml:2: limits.a.zone: not a time zone" },
        { "{cooldown: 2h}", "stoker.yaml:2: limits.a.cooldown: is longer than cooldown_max" },
        { "{breaker: off}", "stoker.yaml:2: limits.a.breaker: write {errors: 5, within: 2m" },
        { "{breaker: {erros: 5}}",
          "stoker.yaml:2: limits.a.breaker.erros: unknown key (did you mean \"errors\"?)" },
        { "{adaptive: 7}", "stoker.yaml:2: limits.a.adaptive: " },
        { "{concurrency: 0}", "stoker.yaml:2: limits.a.concurrency: " },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        assert_refused(rows[i].keys, rows[i].wanted);
    }
}

static void rate__is_so_many_in_so_long(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int64_t rate;
        stk_time_ns per;
    } rows[] = {
        { "60/min", 60, STK_MINUTE },
        { "2/s", 2, STK_SECOND },
        { "1/10s", 1, 10 * STK_SECOND },
        { "100/h", 100, STK_HOUR },
        { "5000/day", 5000, STK_DAY },
        { "3/5min", 3, 5 * STK_MINUTE },
        { "1/ms", 1, STK_MS },
        { "1/24h", 1, STK_DAY },
        { "60", 0, 0 },
        { "/s", 0, 0 },
        { "5/", 0, 0 },
        { "-5/s", 0, 0 },
        { "0/s", 0, 0 },
        { "5/0s", 0, 0 },
        { "5/25h", 0, 0 },
        { "5 / s", 0, 0 },
        { "5/99999999999999999999s", 0, 0 },
        { "99999999999999999999/s", 0, 0 },
        { "", 0, 0 },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        int64_t rate = 0;
        stk_time_ns per = 0;
        assert_int_equal(stk_rate_parse(rows[i].text, &rate, &per), rows[i].rate > 0);
        assert_int_equal(rate, rows[i].rate);
        assert_int_equal(per, rows[i].per);
    }
}

static void class__names_go_both_ways(void **unused)
{
    (void)unused;
    enum stk_limit_class class_ = STK_LIMIT_CLASS_SUBMIT;
    for (int i = 0; i < STK_LIMIT_CLASS_COUNT_; i++) {
        const char *name = stk_limit_class_name((enum stk_limit_class)i);
        assert_true(stk_limit_class_from_name(name, &class_));
        assert_int_equal(class_, i);
    }
    assert_false(stk_limit_class_from_name("", &class_));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits__none_are_none),
        cmocka_unit_test(limits__are_sorted_by_name_and_have_defaults),
        cmocka_unit_test(limits__every_key_is_read),
        cmocka_unit_test(limits__a_zone_brings_its_rules),
        cmocka_unit_test(limits__a_breaker_may_be_left_out),
        cmocka_unit_test(limits__a_shorter_maximum_shortens_the_usual_cooldown),
        cmocka_unit_test(profiles__all_are_known_and_what_is_given_wins),
        cmocka_unit_test(profiles__a_daily_quota_may_stand_without_a_number),
        cmocka_unit_test(limits__what_is_wrong_is_refused_at_its_line),
        cmocka_unit_test(rate__is_so_many_in_so_long),
        cmocka_unit_test(class__names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
