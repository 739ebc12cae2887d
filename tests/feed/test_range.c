/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "feed/range.h"
#include "feed/recipes.h"

static enum stk_rc parse(const char *task_name, const char *param, const char *text, json_t **ret,
                         struct stk_error *err)
{
    const struct stk_task *task = recipes_task(task_name);
    return stk_range_parse(task, stk_task_param(task, param), text, ret, err);
}

static void assert_values(const char *task, const char *param, const char *text, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *values = NULL;
    assert_ok(parse(task, param, text, &values, &err), &err);
    STK_CLEANUP(stk_freep) char *have = stk_json_text(values);
    assert_string_equal(have, want);
}

static void assert_refused(const char *task, const char *param, const char *text, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    json_t *values = NULL;
    enum stk_rc rc = parse(task, param, text, &values, &err);
    assert_error(rc, &err, STK_INVALID, want);
    assert_null(values);
}

static void range__meets_its_last_value_or_stops_short_of_it(void **unused)
{
    (void)unused;
    assert_values("backtest", "fast", "5:20:5", "[5,10,15,20]");
    assert_values("backtest", "fast", "5:19:5", "[5,10,15]");
    assert_values("backtest", "fast", "1:4", "[1,2,3,4]");
    assert_values("backtest", "fast", "7:7:9", "[7]");
    assert_values("backtest", "fast", "-2:2", "[-2,-1,0,1,2]");
}

static void range__goes_down_with_a_negative_step(void **unused)
{
    (void)unused;
    assert_values("backtest", "fast", "10:1:-3", "[10,7,4,1]");
    assert_values("fit", "rate", "0.2:-0.2:-0.1", "[0.2,0.1,0.0,-0.1,-0.2]");
}

static void range__mixes_with_a_list_and_keeps_the_order(void **unused)
{
    (void)unused;
    assert_values("backtest", "fast", "1,2,10:20:5,3", "[1,2,10,15,20,3]");
    assert_values("backtest", "fast", "42", "[42]");
}

static void range__of_floats_is_exact_in_decimal(void **unused)
{
    (void)unused;
    assert_values("fit", "rate", "0.1:1:0.1", "[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0]");
    assert_values("fit", "rate", "1e-3:5e-3:1e-3", "[0.001,0.002,0.003,0.004,0.005]");
    assert_values("fit", "rate", "1:2:.25", "[1.0,1.25,1.5,1.75,2.0]");
    assert_values("fit", "rate", "1E2:3e+2:100.000", "[100.0,200.0,300.0]");
    assert_values("fit", "rate", "0:3", "[0.0,1.0,2.0,3.0]");
    assert_values("fit", "rate", "1e-15:3e-15:1e-15", "[1e-15,2e-15,3e-15]");
}

/* As close as the nearest double, a million times over. */
static void range__of_floats_does_not_drift(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *values = NULL;
    assert_ok(parse("fit", "rate", "0.000001:1:0.000001", &values, &err), &err);
    assert_int_equal(json_array_size(values), 1000000);
    for (size_t i = 0; i < 1000000; i++) {
        double want = (double)(i + 1) / 1e6; /* one division of whole numbers: rounded once */
        double have = json_real_value(json_array_get(values, i));
        if (have < want || have > want) fail_msg("value %zu is %.17g", i, have);
    }
}

static void range__reaches_the_ends_of_64_bits(void **unused)
{
    (void)unused;
    assert_values("backtest", "fast", "9223372036854775806:9223372036854775807",
                  "[9223372036854775806,9223372036854775807]");
    assert_values("backtest", "fast",
                  "-9223372036854775808:9223372036854775807:9223372036854775807",
                  "[-9223372036854775808,-1,9223372036854775806]");
    assert_values("backtest", "fast",
                  "9223372036854775807:-9223372036854775808:"
                  "-9223372036854775808",
                  "[9223372036854775807,-1]");
}

static void range__that_leads_away_is_empty_and_refused(void **unused)
{
    (void)unused;
    assert_refused("backtest", "fast", "5:1:1",
                   "range 5:1:1 of parameter \"fast\" is empty: the step 1 leads away from 1");
    assert_refused("backtest", "fast", "5:1",
                   "range 5:1 of parameter \"fast\" is empty: the step 1 leads away from 1");
    assert_refused(
        "fit", "rate", "0:1:-0.5",
        "range 0:1:-0.5 of parameter \"rate\" is empty: the step -0.5 leads away from 1");
}

static void range__refuses_what_is_no_range(void **unused)
{
    (void)unused;
    assert_refused("backtest", "fast", "1:5:0", "range 1:5:0 of parameter \"fast\" has the step 0");
    assert_refused("fit", "rate", "1:5:0.0", "range 1:5:0.0 of parameter \"rate\" has the step 0");
    assert_refused("backtest", "fast", "1:2:3:4",
                   "range 1:2:3:4 of parameter \"fast\" is not first:last:step");
    assert_refused(
        "backtest", "fast", "1:x",
        "range 1:x of parameter \"fast\" is not valid: \"x\" is not a whole number of at "
        "most 64 bits");
    assert_refused("backtest", "fast", "1:",
                   "range 1: of parameter \"fast\" is not valid: \"\" is not a whole number of at "
                   "most 64 bits");
    assert_refused(
        "backtest", "fast", "1:2:0.5",
        "range 1:2:0.5 of parameter \"fast\" is not valid: \"0.5\" is not a whole number "
        "of at most 64 bits");
    assert_refused("fit", "rate", "0:nan:1",
                   "range 0:nan:1 of parameter \"rate\" is not valid: \"nan\" is not a number");
}

static void range__refuses_floats_that_it_could_not_count_exactly(void **unused)
{
    (void)unused;
    assert_refused("fit", "rate", "1e-16:1:0.1",
                   "range 1e-16:1:0.1 of parameter \"rate\" is not valid: \"1e-16\" has too many "
                   "digits to count exactly");
    assert_refused("fit", "rate", "1e300:2e300:1e300",
                   "range 1e300:2e300:1e300 of parameter \"rate\" is not valid: \"1e300\" has too "
                   "many digits to count exactly");
    assert_refused("fit", "rate", "1e10:2e10:1e-12",
                   "range 1e10:2e10:1e-12 of parameter \"rate\" has too many digits to count "
                   "exactly");
}

static void range__refuses_more_than_a_million_values(void **unused)
{
    (void)unused;
    static const char want[] = "parameter \"fast\" has more than 1000000 values";
    assert_refused("backtest", "fast", "1:1000001", want);
    assert_refused("backtest", "fast", "0,1:1000000", want);
    assert_refused("backtest", "fast", "-9223372036854775808:9223372036854775807", want);
}

static void range__checks_each_value_by_the_rules_of_its_parameter(void **unused)
{
    (void)unused;
    assert_refused("fit", "depth", "49:52",
                   "parameter \"depth\" of task \"fit\": 51 is above the maximum of 50");
    assert_refused("fit", "kind", "tree,bush",
                   "parameter \"kind\" of task \"fit\": \"bush\" is not one of \"tree\", \"line\"");
    assert_refused("backtest", "fast", "1,,2",
                   "parameter \"fast\" of task \"backtest\": \"\" is not a whole number of at most "
                   "64 bits");
    assert_refused("backtest", "fast", "",
                   "parameter \"fast\" of task \"backtest\": \"\" is not a whole number of at most "
                   "64 bits");
    assert_refused("fit", "dry", "true,yes",
                   "parameter \"dry\" of task \"fit\": \"yes\" is neither true nor false");
}

static void range__of_texts_is_a_list_where_a_backslash_keeps_a_comma(void **unused)
{
    (void)unused;
    assert_values("fit", "note", "a,b\\,c,1:5", "[\"a\",\"b,c\",\"1:5\"]");
    assert_values("fit", "note", "C:\\dir,", "[\"C:\\\\dir\",\"\"]");
    assert_values("fit", "dry", "true,false", "[true,false]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range__meets_its_last_value_or_stops_short_of_it),
        cmocka_unit_test(range__goes_down_with_a_negative_step),
        cmocka_unit_test(range__mixes_with_a_list_and_keeps_the_order),
        cmocka_unit_test(range__of_floats_is_exact_in_decimal),
        cmocka_unit_test(range__of_floats_does_not_drift),
        cmocka_unit_test(range__reaches_the_ends_of_64_bits),
        cmocka_unit_test(range__that_leads_away_is_empty_and_refused),
        cmocka_unit_test(range__refuses_what_is_no_range),
        cmocka_unit_test(range__refuses_floats_that_it_could_not_count_exactly),
        cmocka_unit_test(range__refuses_more_than_a_million_values),
        cmocka_unit_test(range__checks_each_value_by_the_rules_of_its_parameter),
        cmocka_unit_test(range__of_texts_is_a_list_where_a_backslash_keeps_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, recipes_end);
}
