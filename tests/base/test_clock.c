/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <time.h>

#include "base/clock.h"

static void now__is_the_wall_time(void **unused)
{
    (void)unused;
    stk_time_ns before = (stk_time_ns)time(NULL) * STK_SECOND;
    stk_time_ns now = stk_clock_now();
    assert_true(now >= before - STK_SECOND); /* time() may read a coarser clock */
    assert_true(now < before + STK_MINUTE);
}

static void mono__never_goes_back(void **unused)
{
    (void)unused;
    stk_time_ns last = stk_clock_mono();
    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        stk_time_ns next = stk_clock_mono();
        assert_true(next >= last);
        last = next;
    }
}

static void shift__moves_both_clocks_and_adds_up(void **unused)
{
    (void)unused;
    stk_time_ns now = stk_clock_now(), mono = stk_clock_mono();
    stk_clock_shift(STK_HOUR);
    stk_clock_shift(STK_HOUR);
    assert_true(stk_clock_now() - now >= 2 * STK_HOUR);
    assert_true(stk_clock_now() - now < 2 * STK_HOUR + STK_MINUTE);
    assert_true(stk_clock_mono() - mono >= 2 * STK_HOUR);
    assert_true(stk_clock_mono() - mono < 2 * STK_HOUR + STK_MINUTE);
    stk_clock_shift(-2 * STK_HOUR);
    assert_true(stk_clock_now() - now < STK_MINUTE);
    assert_true(stk_clock_mono() - mono < STK_MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now__is_the_wall_time),
        cmocka_unit_test(mono__never_goes_back),
        cmocka_unit_test(shift__moves_both_clocks_and_adds_up),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
