/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

enum { DRAWN = 20000, DRAWN_TOGETHER = 200 * 1000 };

static pthread_barrier_t both_ready;

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = 0, right = 0;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return (left > right) - (left < right);
}

static void assert_no_twins(uint64_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof(*numbers), compare_u64);
    for (size_t i = 1; i < count; i++) {
        assert_true(numbers[i] != numbers[i - 1]);
    }
}

static void u64__does_not_repeat(void **unused)
{
    (void)unused;
    static uint64_t numbers[DRAWN];
    uint64_t ones = 0, zeroes = 0;
    for (size_t i = 0; i < DRAWN; i++) {
        numbers[i] = stk_rand_u64();
        ones |= numbers[i];
        zeroes |= ~numbers[i];
    }
    assert_true(ones == UINT64_MAX && zeroes == UINT64_MAX); /* each bit was both */
    assert_no_twins(numbers, DRAWN);
}

static void *draw_many(void *numbers)
{
    (void)pthread_barrier_wait(&both_ready);
    for (size_t i = 0; i < DRAWN_TOGETHER; i++) {
        ((uint64_t *)numbers)[i] = stk_rand_u64();
    }
    return NULL;
}

static void u64__is_not_shared_between_threads(void **unused)
{
    (void)unused;
    static uint64_t numbers[2 * DRAWN_TOGETHER];
    pthread_t thread;
    assert_int_equal(pthread_barrier_init(&both_ready, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, draw_many, numbers), 0);
    (void)draw_many(numbers + DRAWN_TOGETHER);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_no_twins(numbers, 2 * DRAWN_TOGETHER);
    assert_int_equal(pthread_barrier_destroy(&both_ready), 0);
}

static void id__lies_between_1_and_2_to_the_62(void **unused)
{
    (void)unused;
    int64_t largest = 0;
    for (int i = 0; i < DRAWN; i++) {
        int64_t id = stk_rand_id();
        assert_true(id >= 1 && id < INT64_C(1) << 62);
        if (id > largest) largest = id;
    }
    assert_true(largest > INT64_C(1) << 61);
}

static void below__reaches_all_and_nothing_else(void **unused)
{
    (void)unused;
    int seen[7] = { 0 };
    for (int i = 0; i < 7000; i++) {
        uint32_t drawn = stk_rand_below(7);
        assert_true(drawn < 7);
        seen[drawn]++;
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(seen); i++) {
        assert_in_range(seen[i], 700, 1300); /* 10 standard deviations */
    }
    assert_int_equal(stk_rand_below(1), 0);
    assert_true(stk_rand_below(UINT32_MAX) < UINT32_MAX);
}

/* The first outputs of SplitMix64 for seed 1234567, as published by its author. */
static void seeded__is_splitmix64(void **unused)
{
    (void)unused;
    static const uint64_t wanted[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct stk_seeded seeded;
    stk_seeded_init(&seeded, 1234567);
    for (size_t i = 0; i < STK_ARRAY_LEN(wanted); i++) {
        assert_true(stk_seeded_below(&seeded, UINT64_MAX) == wanted[i]);
    }
}

static void seeded__repeats_for_the_same_seed_only(void **unused)
{
    (void)unused;
    struct stk_seeded a, b, c;
    stk_seeded_init(&a, 5);
    stk_seeded_init(&b, 5);
    stk_seeded_init(&c, 6);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = stk_seeded_below(&a, 1000003);
        assert_true(drawn < 1000003);
        assert_true(drawn == stk_seeded_below(&b, 1000003));
        same += drawn == stk_seeded_below(&c, 1000003);
    }
    assert_true(same < 10);
}

static void seeded__is_fair_below_a_large_bound(void **unused)
{
    (void)unused;
    struct stk_seeded seeded;
    stk_seeded_init(&seeded, 3);
    const uint64_t bound = UINT64_C(3)
                           << 62; /* without drawing again a third would come twice as often */
    int low = 0;
    for (int i = 0; i < 9000; i++) {
        low += stk_seeded_below(&seeded, bound) < bound / 3;
    }
    assert_in_range(low, 2600, 3400);
}

static void hash128__is_blake2b_with_16_bytes(void **unused)
{
    (void)unused;
    static const unsigned char wanted[16] = { 0xcf, 0x4a, 0xb7, 0x91, 0xc6, 0x2b, 0x8d, 0x2b,
                                              0x21, 0x09, 0xc9, 0x02, 0x75, 0x28, 0x78, 0x16 };
    static const unsigned char wanted_empty[16] = {
        0xca, 0xe6, 0x69, 0x41, 0xd9, 0xef, 0xbd, 0x40,
        0x4e, 0x4d, 0x88, 0x75, 0x8e, 0xa6, 0x76, 0x70
    };
    unsigned char hash[16];
    stk_hash128("abc", 3, hash);
    assert_memory_equal(hash, wanted, sizeof(hash));
    stk_hash128(NULL, 0, hash);
    assert_memory_equal(hash, wanted_empty, sizeof(hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64__does_not_repeat),
        cmocka_unit_test(u64__is_not_shared_between_threads),
        cmocka_unit_test(id__lies_between_1_and_2_to_the_62),
        cmocka_unit_test(below__reaches_all_and_nothing_else),
        cmocka_unit_test(seeded__is_splitmix64),
        cmocka_unit_test(seeded__repeats_for_the_same_seed_only),
        cmocka_unit_test(seeded__is_fair_below_a_large_bound),
        cmocka_unit_test(hash128__is_blake2b_with_16_bytes),
    };
    return cmocka_run_group_tests_name("base/rand", tests, NULL, NULL);
}
