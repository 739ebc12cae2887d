/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <pthread.h>

#include "base/clock.h"
#include "pool/bell.h"

static void bell__a_ring_before_the_wait_is_not_lost(void **unused)
{
    (void)unused;
    struct stk_bell bell = { 0 };
    stk_bell_ring(&bell);
    assert_true(stk_bell_wait(&bell, 0));
}

static void bell__rings_do_not_add_up(void **unused)
{
    (void)unused;
    struct stk_bell bell = { 0 };
    stk_bell_ring(&bell);
    stk_bell_ring(&bell);
    assert_true(stk_bell_wait(&bell, 0));
    assert_false(stk_bell_wait(&bell, 0));
}

static void bell__a_wait_ends_when_its_time_is_over(void **unused)
{
    (void)unused;
    struct stk_bell bell = { 0 };
    stk_time_ns before = stk_clock_mono();
    assert_false(stk_bell_wait(&bell, 2 * STK_MS));
    assert_true(stk_clock_mono() - before >= 2 * STK_MS);
}

struct pair {
    struct stk_bell there, back;
    int count;
};

static void *answer(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < 20000; i++) {
        (void)stk_bell_wait(&pair->there, -1);
        pair->count++;
        stk_bell_ring(&pair->back);
    }
    return NULL;
}

static void bell__two_threads_hand_over_without_losing_a_turn(void **unused)
{
    (void)unused;
    struct pair pair = { 0 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer, &pair), 0);
    for (int i = 0; i < 20000; i++) {
        stk_bell_ring(&pair.there);
        assert_true(stk_bell_wait(&pair.back, 10 * STK_SECOND));
        assert_int_equal(pair.count, i + 1);
    }
    (void)pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bell__a_ring_before_the_wait_is_not_lost),
        cmocka_unit_test(bell__rings_do_not_add_up),
        cmocka_unit_test(bell__a_wait_ends_when_its_time_is_over),
        cmocka_unit_test(bell__two_threads_hand_over_without_losing_a_turn),
    };
    return cmocka_run_group_tests_name("pool/bell", tests, NULL, NULL);
}
