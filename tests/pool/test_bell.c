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

enum { SLEEPERS = 32, STROKES = 500 };

struct hall {
    struct stk_gong gong;
    struct stk_sleeper sleepers[SLEEPERS];
    int woken[SLEEPERS]; /* each sleeper's own, read by the striker in between */
    _Atomic int left;
    struct stk_bell all_back;
};
struct guest {
    struct hall *hall;
    size_t at;
    pthread_t thread;
};

static void *sleep_on(void *arg)
{
    struct guest *guest = arg;
    struct hall *hall = guest->hall;
    for (int i = 0; i < STROKES; i++) {
        stk_sleeper_wait(&hall->sleepers[guest->at]);
        hall->woken[guest->at]++;
        if (atomic_fetch_sub(&hall->left, 1) == 1) stk_bell_ring(&hall->all_back);
    }
    return NULL;
}

static void gong__wakes_those_that_were_called_each_once(void **unused)
{
    (void)unused;
    static struct hall hall;
    struct guest guests[SLEEPERS];
    for (size_t i = 0; i < SLEEPERS; i++) {
        hall.sleepers[i].gong = &hall.gong;
        hall.sleepers[i].bit = UINT32_C(1) << i;
        guests[i] = (struct guest){ .hall = &hall, .at = i };
        assert_int_equal(pthread_create(&guests[i].thread, NULL, sleep_on, &guests[i]), 0);
    }
    /* Even ones and odd ones in turn: the others must sleep on. */
    for (int stroke = 0; stroke < 2 * STROKES; stroke++) {
        uint32_t bits = 0;
        atomic_store(&hall.left, SLEEPERS / 2);
        for (size_t i = (size_t)stroke % 2; i < SLEEPERS; i += 2) {
            stk_sleeper_call(&hall.sleepers[i]);
            bits |= hall.sleepers[i].bit;
        }
        stk_gong_strike(&hall.gong, bits);
        assert_true(stk_bell_wait(&hall.all_back, 20 * STK_SECOND));
        for (size_t i = 0; i < SLEEPERS; i++) {
            assert_int_equal(hall.woken[i], stroke / 2 + (i % 2 <= (size_t)stroke % 2));
        }
    }
    for (size_t i = 0; i < SLEEPERS; i++) {
        (void)pthread_join(guests[i].thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bell__a_ring_before_the_wait_is_not_lost),
        cmocka_unit_test(bell__rings_do_not_add_up),
        cmocka_unit_test(bell__a_wait_ends_when_its_time_is_over),
        cmocka_unit_test(bell__two_threads_hand_over_without_losing_a_turn),
        cmocka_unit_test(gong__wakes_those_that_were_called_each_once),
    };
    return cmocka_run_group_tests_name("pool/bell", tests, NULL, NULL);
}
