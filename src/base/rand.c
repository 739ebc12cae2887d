/* SPDX-License-Identifier: MIT */
#include "base/rand.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers drawn ahead: libsodium asks the kernel each time, which is too slow
 * for an id per claim. A child after fork would draw the same ones; none does. */
enum { AHEAD = 64 };
static _Thread_local uint64_t ahead[AHEAD];
static _Thread_local size_t ahead_left;

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;

static void start_sodium(void)
{
    if (sodium_init() >= 0) return;
    (void)fputs("stoker: could not start libsodium: no random source\n", stderr);
    abort();
}

uint64_t stk_rand_u64(void)
{
    if (ahead_left == 0) {
        (void)pthread_once(&sodium_once, start_sodium);
        randombytes_buf(ahead, sizeof(ahead));
        ahead_left = AHEAD;
    }
    return ahead[--ahead_left];
}

int64_t stk_rand_id(void)
{
    int64_t id = 0;
    while (id == 0) {
        id = (int64_t)(stk_rand_u64() >> 2);
    }
    return id;
}

/* Draws below 2^64 % bound are drawn again: what is left is a whole number of
 * bounds, so no remainder is likelier than another. */
static uint64_t first_fair(uint64_t bound)
{
    assert(bound > 0);
    return (0 - bound) % bound;
}

uint32_t stk_rand_below(uint32_t bound)
{
    uint64_t fair = first_fair(bound);
    uint64_t drawn = stk_rand_u64();
    while (drawn < fair) {
        drawn = stk_rand_u64();
    }
    return (uint32_t)(drawn % bound);
}

void stk_seeded_init(struct stk_seeded *seeded, uint64_t seed)
{
    seeded->state_ = seed;
}

static uint64_t next_seeded(struct stk_seeded *seeded)
{
    uint64_t z = seeded->state_ += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t stk_seeded_below(struct stk_seeded *seeded, uint64_t bound)
{
    uint64_t fair = first_fair(bound);
    uint64_t drawn = next_seeded(seeded);
    while (drawn < fair) {
        drawn = next_seeded(seeded);
    }
    return drawn % bound;
}

void stk_hash128(const void *bytes, size_t len, unsigned char ret_hash[16])
{
    (void)pthread_once(&sodium_once, start_sodium);
    int code = crypto_generichash(ret_hash, 16, bytes, len, NULL, 0);
    assert(code == 0);
    (void)code;
}
