/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "model/retry.h"

static const struct stk_retry usual = STK_RETRY_DEFAULT;

static void backoff__is_between_half_and_all_of_the_doubled_minimum(void **unused)
{
    (void)unused;
    stk_time_ns all = STK_SECOND;
    for (uint32_t attempt = 1; attempt <= 8; attempt++, all *= 2) {
        for (uint64_t dice = 0; dice < 1000; dice++) {
            stk_time_ns wait = stk_retry_backoff(&usual, attempt, dice * 7919 * 1000003);
            assert_in_range(wait, all / 2, all);
        }
    }
}

static void backoff__reaches_both_ends(void **unused)
{
    (void)unused;
    assert_int_equal(stk_retry_backoff(&usual, 1, 0), STK_SECOND / 2);
    assert_int_equal(stk_retry_backoff(&usual, 1, STK_SECOND / 2), STK_SECOND);
}

static void backoff__never_exceeds_the_maximum(void **unused)
{
    (void)unused;
    assert_int_equal(stk_retry_backoff(&usual, 64, 0), 5 * STK_MINUTE / 2);
    assert_in_range(stk_retry_backoff(&usual, UINT32_MAX, UINT64_MAX), 5 * STK_MINUTE / 2,
                    5 * STK_MINUTE);
}

static void backoff__does_not_overflow_at_the_end_of_time(void **unused)
{
    (void)unused;
    const struct stk_retry retry = { .backoff_min_ns = 1, .backoff_max_ns = INT64_MAX };
    assert_in_range(stk_retry_backoff(&retry, 1000, UINT64_MAX), INT64_MAX / 2, INT64_MAX);
}

static void backoff__of_nothing_is_nothing(void **unused)
{
    (void)unused;
    const struct stk_retry at_once = { .attempts_max = 3 };
    assert_int_equal(stk_retry_backoff(&at_once, 1, UINT64_MAX), 0);
    assert_int_equal(stk_retry_backoff(&at_once, UINT32_MAX, 5), 0);
}

static void backoff__of_attempt_zero_is_that_of_the_first(void **unused)
{
    (void)unused;
    assert_int_equal(stk_retry_backoff(&usual, 0, 5), stk_retry_backoff(&usual, 1, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff__is_between_half_and_all_of_the_doubled_minimum),
        cmocka_unit_test(backoff__reaches_both_ends),
        cmocka_unit_test(backoff__never_exceeds_the_maximum),
        cmocka_unit_test(backoff__does_not_overflow_at_the_end_of_time),
        cmocka_unit_test(backoff__of_nothing_is_nothing),
        cmocka_unit_test(backoff__of_attempt_zero_is_that_of_the_first),
    };
    return cmocka_run_group_tests_name("model/retry", tests, NULL, NULL);
}
