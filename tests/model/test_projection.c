/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "model/lifecycle.h"
#include "model/projection.h"

/* 2026-11-24T00:00:00Z */
#define NOW ((stk_time_ns)1795478400 * STK_SECOND)

#define ONE(...) stk_projection((const struct stk_work[]){ { __VA_ARGS__ } }, 1, 4)

static void projection__spreads_the_work_over_the_workers(void **unused)
{
    (void)unused;
    assert_int_equal(ONE(.pending = 40, .mean_ns = STK_MINUTE), 10 * STK_MINUTE);
    assert_int_equal(ONE(.pending = 39, .running = 2, .mean_ns = STK_MINUTE), 10 * STK_MINUTE);
    assert_int_equal(ONE(.pending = 0, .mean_ns = STK_MINUTE), 0);
}

static void projection__keeps_to_the_slots_of_a_limit(void **unused)
{
    (void)unused;
    assert_int_equal(ONE(.pending = 40, .mean_ns = STK_MINUTE, .concurrency = 2), 20 * STK_MINUTE);
    assert_int_equal(ONE(.pending = 40, .mean_ns = STK_MINUTE, .concurrency = 9), 10 * STK_MINUTE);
}

static void projection__keeps_to_the_pace_of_a_limit(void **unused)
{
    (void)unused;
    assert_int_equal(ONE(.pending = 40, .mean_ns = STK_SECOND, .interval_ns = STK_MINUTE),
                     40 * STK_MINUTE);
}

static void projection__of_several_tasks_is_their_sum_or_the_slowest(void **unused)
{
    (void)unused;
    const struct stk_work even[] = { { .pending = 4, .mean_ns = STK_HOUR },
                                     { .pending = 8, .mean_ns = STK_HOUR } };
    const struct stk_work odd[] = { { .pending = 4, .mean_ns = STK_HOUR, .concurrency = 1 },
                                    { .pending = 2, .mean_ns = STK_HOUR } };
    assert_int_equal(stk_projection(even, 2, 4), 3 * STK_HOUR);
    assert_int_equal(stk_projection(odd, 2, 4), 4 * STK_HOUR);
}

static void projection__that_lacks_a_run_time_is_none(void **unused)
{
    (void)unused;
    const struct stk_work work[] = { { .pending = 4, .mean_ns = STK_HOUR }, { .pending = 1 } };
    assert_int_equal(stk_projection(work, 2, 4), STK_NEVER);
    assert_int_equal(ONE(.mean_ns = 0), 0); /* nothing waits: nothing need be known */
}

static void projection__of_absurdly_much_does_not_overflow(void **unused)
{
    (void)unused;
    stk_time_ns needs = ONE(.pending = INT64_MAX, .mean_ns = 300 * STK_DAY);
    assert_true(needs > 300 * STK_DAY && needs < 3000 * STK_DAY);
}

static void assert_says(stk_time_ns work, stk_time_ns left, const char *text)
{
    struct stk_buf buf = STK_BUF_INIT;
    stk_projection_add(&buf, work, left == STK_NEVER ? STK_NEVER : NOW + left, NOW);
    assert_string_equal(stk_buf_str(&buf), text);
    stk_buf_release(&buf);
}

static void projection__says_before_when_to_renew(void **unused)
{
    (void)unused;
    assert_says(5 * STK_HOUR + 20 * STK_MINUTE + 7 * STK_SECOND, 3 * STK_HOUR + 12 * STK_MINUTE,
                "pending work needs about 5h 20m, the session ends in 3h 12m: renew before "
                "03:12 UTC");
    assert_says(5 * STK_DAY, 2 * STK_DAY,
                "pending work needs about 5d, the session ends in 2d: renew before "
                "2026-11-26 00:00 UTC");
    assert_says(STK_HOUR, 3 * STK_HOUR,
                "pending work needs about 1h, the session ends in 3h: that is enough");
}

static void projection__says_nothing_when_there_is_nothing_to_say(void **unused)
{
    (void)unused;
    assert_says(0, STK_HOUR, "");
    assert_says(STK_NEVER, STK_HOUR, "");
    assert_says(STK_HOUR, STK_NEVER, "");
    assert_says(STK_HOUR, -STK_HOUR, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projection__spreads_the_work_over_the_workers),
        cmocka_unit_test(projection__keeps_to_the_slots_of_a_limit),
        cmocka_unit_test(projection__keeps_to_the_pace_of_a_limit),
        cmocka_unit_test(projection__of_several_tasks_is_their_sum_or_the_slowest),
        cmocka_unit_test(projection__that_lacks_a_run_time_is_none),
        cmocka_unit_test(projection__of_absurdly_much_does_not_overflow),
        cmocka_unit_test(projection__says_before_when_to_renew),
        cmocka_unit_test(projection__says_nothing_when_there_is_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
