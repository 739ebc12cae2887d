/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "model/pool_state.h"

#define BEAT  (1000 * STK_SECOND)
#define UNTIL (BEAT + 30 * STK_SECOND)

static void name__leads_back_to_its_state(void **unused)
{
    (void)unused;
    for (int i = 0; i < STK_POOL_STATE_COUNT_; i++) {
        enum stk_pool_state back = STK_POOL_STATE_COUNT_;
        assert_true(stk_pool_state_from_name(stk_pool_state_name((enum stk_pool_state)i), &back));
        assert_int_equal(back, i);
        assert_true(stk_pool_state_meaning((enum stk_pool_state)i)[0] != '\0');
    }
    enum stk_pool_state other = STK_POOL_WAITING;
    assert_false(stk_pool_state_from_name("asleep", &other));
    assert_int_equal(other, STK_POOL_WAITING);
}

static void seen__is_what_was_said_until_beats_are_missing(void **unused)
{
    (void)unused;
    static const struct {
        int after_s;
        enum stk_pool_state seen;
    } cases[] = { { 0, STK_POOL_STOPPING }, { 10, STK_POOL_STOPPING }, { 20, STK_POOL_STOPPING },
                  { 21, STK_POOL_SILENT },  { 29, STK_POOL_SILENT },   { 30, STK_POOL_LOST },
                  { 3000, STK_POOL_LOST } };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        stk_time_ns now = BEAT + cases[i].after_s * STK_SECOND;
        assert_int_equal(stk_pool_state_seen(STK_POOL_STOPPING, BEAT, UNTIL, now), cases[i].seen);
    }
}

static void seen__without_a_lease_is_what_was_said(void **unused)
{
    (void)unused;
    assert_int_equal(stk_pool_state_seen(STK_POOL_RUNNING, BEAT, STK_NEVER, BEAT + STK_HOUR),
                     STK_POOL_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name__leads_back_to_its_state),
        cmocka_unit_test(seen__is_what_was_said_until_beats_are_missing),
        cmocka_unit_test(seen__without_a_lease_is_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
