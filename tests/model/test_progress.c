/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "model/progress.h"

#define START (1000 * STK_SECOND)

static void assert_near(double value, double wanted)
{
    assert_true(value > wanted * 0.99 - 1e-6);
    assert_true(value < wanted * 1.01 + 1e-6);
}

static void counts__ended_are_those_in_final_states(void **unused)
{
    (void)unused;
    const struct stk_counts counts = { .of = { [STK_STATE_PENDING] = 1,
                                               [STK_STATE_RUNNING] = 10,
                                               [STK_STATE_COMPLETED] = 100,
                                               [STK_STATE_FAILED] = 1000,
                                               [STK_STATE_CANCELLED] = 10000 } };
    assert_int_equal(stk_counts_total(&counts), 11111);
    assert_int_equal(stk_counts_ended(&counts), 11100);
}

static void rate__is_nothing_before_the_second_reading(void **unused)
{
    (void)unused;
    struct stk_rate rate = { 0 };
    stk_rate_add(&rate, 500, START);
    assert_near(rate.per_s, 0);
    assert_int_equal(stk_rate_eta(&rate, 10), STK_NEVER);
}

static void rate__is_right_from_the_second_reading_on(void **unused)
{
    (void)unused;
    struct stk_rate rate = { 0 };
    stk_rate_add(&rate, 500, START);
    for (int i = 1; i < 100; i++) {
        stk_rate_add(&rate, 500 + 20 * i, START + i * STK_SECOND);
        assert_near(rate.per_s, 20);
    }
}

static void rate__is_the_same_with_irregular_readings(void **unused)
{
    (void)unused;
    static const int64_t gaps_ms[] = { 100, 2000, 50, 7000, 1000, 300 };
    struct stk_rate rate = { 0 };
    int64_t ms = 0;
    stk_rate_add(&rate, 0, START);
    for (size_t i = 0; i < 60; i++) {
        ms += gaps_ms[i % STK_ARRAY_LEN(gaps_ms)];
        stk_rate_add(&rate, ms, START + ms * STK_MS); /* 1000 a second */
    }
    assert_near(rate.per_s, 1000);
}

static void rate__forgets_what_was_a_few_minutes_ago(void **unused)
{
    (void)unused;
    struct stk_rate rate = { 0 };
    for (int i = 0; i <= 60; i++) {
        stk_rate_add(&rate, 100 * i, START + i * STK_SECOND);
    }
    for (int i = 61; i <= 300; i++) {
        stk_rate_add(&rate, 6000, START + i * STK_SECOND);
    }
    assert_true(rate.per_s < 0.01);
}

static void rate__does_not_go_below_zero_when_jobs_are_retried(void **unused)
{
    (void)unused;
    struct stk_rate rate = { 0 };
    stk_rate_add(&rate, 100, START);
    stk_rate_add(&rate, 0, START + STK_SECOND);
    assert_near(rate.per_s, 0);
    stk_rate_add(&rate, 10, START + 2 * STK_SECOND);
    assert_true(rate.per_s > 0);
}

static void rate__survives_a_clock_that_stands_or_goes_back(void **unused)
{
    (void)unused;
    struct stk_rate rate = { 0 };
    stk_rate_add(&rate, 0, START);
    stk_rate_add(&rate, 10, START + STK_SECOND);
    stk_rate_add(&rate, 15, START + STK_SECOND);
    stk_rate_add(&rate, 20, START + 2 * STK_SECOND);
    assert_near(rate.per_s, 10); /* the five were not lost */
    stk_rate_add(&rate, 30, START);
    assert_near(rate.per_s, 10);
    stk_rate_add(&rate, 40, START + STK_SECOND);
    assert_near(rate.per_s, 10);
}

static void eta__is_what_is_left_by_the_rate(void **unused)
{
    (void)unused;
    const struct stk_rate rate = { .per_s = 4 };
    assert_int_equal(stk_rate_eta(&rate, 10), 2500 * STK_MS);
    assert_int_equal(stk_rate_eta(&rate, 0), 0);
}

static void eta__is_never_when_nothing_moves(void **unused)
{
    (void)unused;
    const struct stk_rate still = { .per_s = 0 };
    const struct stk_rate almost = { .per_s = 1e-12 };
    assert_int_equal(stk_rate_eta(&still, 1), STK_NEVER);
    assert_int_equal(stk_rate_eta(&almost, 1), STK_NEVER);
    assert_int_equal(stk_rate_eta(&almost, INT64_MAX), STK_NEVER);
}

static void bar__fills_eighths_of_cells(void **unused)
{
    (void)unused;
    char text[3 * 4 + 1];
    stk_progress_bar(0, 4, false, text);
    assert_string_equal(text, "    ");
    stk_progress_bar(0.5, 4, false, text);
    assert_string_equal(text, "██  ");
    stk_progress_bar(0.5 + 3.0 / 32, 4, false, text);
    assert_string_equal(text, "██▍ ");
    stk_progress_bar(1, 4, false, text);
    assert_string_equal(text, "████");
}

static void bar__is_plain_when_ascii(void **unused)
{
    (void)unused;
    char text[3 * 10 + 1];
    stk_progress_bar(0.37, 10, true, text);
    assert_string_equal(text, "###.......");
}

static void bar__looks_full_only_when_all_is_done(void **unused)
{
    (void)unused;
    char text[3 * 10 + 1];
    stk_progress_bar(0.9999, 10, true, text);
    assert_string_equal(text, "#########.");
}

static void bar__keeps_inside_its_width_whatever_the_share(void **unused)
{
    (void)unused;
    char text[3 * 3 + 1];
    stk_progress_bar(7, 3, true, text);
    assert_string_equal(text, "###");
    stk_progress_bar(-7, 3, true, text);
    assert_string_equal(text, "...");
    stk_progress_bar(__builtin_nan(""), 3, true, text);
    assert_string_equal(text, "...");
    stk_progress_bar(1, 0, false, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts__ended_are_those_in_final_states),
        cmocka_unit_test(rate__is_nothing_before_the_second_reading),
        cmocka_unit_test(rate__is_right_from_the_second_reading_on),
        cmocka_unit_test(rate__is_the_same_with_irregular_readings),
        cmocka_unit_test(rate__forgets_what_was_a_few_minutes_ago),
        cmocka_unit_test(rate__does_not_go_below_zero_when_jobs_are_retried),
        cmocka_unit_test(rate__survives_a_clock_that_stands_or_goes_back),
        cmocka_unit_test(eta__is_what_is_left_by_the_rate),
        cmocka_unit_test(eta__is_never_when_nothing_moves),
        cmocka_unit_test(bar__fills_eighths_of_cells),
        cmocka_unit_test(bar__is_plain_when_ascii),
        cmocka_unit_test(bar__looks_full_only_when_all_is_done),
        cmocka_unit_test(bar__keeps_inside_its_width_whatever_the_share),
    };
    return cmocka_run_group_tests_name("model/progress", tests, NULL, NULL);
}
