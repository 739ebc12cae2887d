/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/lifeline.h"

static _Atomic int ends;

static void count(void *context)
{
    (void)context;
    (void)atomic_fetch_add(&ends, 1);
}

static struct stk_lifeline *start(stk_time_ns until)
{
    struct stk_lifeline *line = NULL;
    struct stk_error err = { 0 };
    atomic_store(&ends, 0);
    if (stk_lifeline_start(until, count, NULL, &line, &err) != STK_OK) fail_msg("%s", err.text);
    return line;
}

static void eventually_ended(int times)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    while (atomic_load(&ends) != times && stk_clock_mono() < end) {
        stk_clock_pause(STK_MS);
    }
    assert_int_equal(atomic_load(&ends), times);
}

static void lifeline__acts_when_its_moment_comes(void **state)
{
    (void)state;
    struct stk_lifeline *line = start(stk_clock_mono() + 20 * STK_MS);
    eventually_ended(1);
    assert_true(stk_lifeline_is_over(line));
    stk_lifeline_stop(line);
}

static void lifeline__that_is_extended_goes_on(void **state)
{
    (void)state;
    struct stk_lifeline *line = start(stk_clock_mono() + STK_HOUR);
    stk_lifeline_extend(line, stk_clock_mono() + 3 * STK_HOUR);
    stk_clock_shift(2 * STK_HOUR);
    assert_false(stk_lifeline_is_over(line));
    stk_lifeline_stop(line);
    assert_int_equal(atomic_load(&ends), 0);
}

static void lifeline__is_over_by_the_clock_before_its_thread_has_looked(void **state)
{
    (void)state;
    struct stk_lifeline *line = start(stk_clock_mono() + STK_HOUR);
    stk_clock_shift(2 * STK_HOUR);
    assert_true(stk_lifeline_is_over(line));
    stk_lifeline_extend(line, stk_clock_mono() + STK_HOUR);
    assert_true(stk_lifeline_is_over(line)); /* there is no way back */
    eventually_ended(1);
    stk_lifeline_stop(line);
}

static void lifeline__acts_once_for_each_life(void **state)
{
    (void)state;
    struct stk_lifeline *line = start(stk_clock_mono() + STK_HOUR);
    stk_lifeline_cut(line);
    stk_lifeline_cut(line);
    eventually_ended(1);
    stk_lifeline_renew(line, stk_clock_mono() + STK_HOUR);
    assert_false(stk_lifeline_is_over(line));
    stk_lifeline_cut(line);
    eventually_ended(2);
    stk_lifeline_stop(line);
    assert_int_equal(atomic_load(&ends), 2);
}

static void lifeline__without_a_first_life_waits_for_one(void **state)
{
    (void)state;
    struct stk_lifeline *line = start(0);
    assert_true(stk_lifeline_is_over(line));
    stk_lifeline_renew(line, stk_clock_mono() + 10 * STK_MS);
    eventually_ended(1);
    stk_lifeline_stop(line);
    assert_int_equal(atomic_load(&ends), 1);
}

static void lifeline__of_nobody_never_ends(void **state)
{
    (void)state;
    assert_false(stk_lifeline_is_over(NULL));
    stk_lifeline_extend(NULL, 0);
    stk_lifeline_cut(NULL);
    stk_lifeline_renew(NULL, 0);
    stk_lifeline_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifeline__acts_when_its_moment_comes),
        cmocka_unit_test(lifeline__that_is_extended_goes_on),
        cmocka_unit_test(lifeline__is_over_by_the_clock_before_its_thread_has_looked),
        cmocka_unit_test(lifeline__acts_once_for_each_life),
        cmocka_unit_test(lifeline__without_a_first_life_waits_for_one),
        cmocka_unit_test(lifeline__of_nobody_never_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
