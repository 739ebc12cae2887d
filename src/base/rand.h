/* SPDX-License-Identifier: MIT
 *
 * rand - unpredictable numbers from libsodium, and a seeded stream for samples.
 *
 * Threads: stk_rand_* any; a struct stk_seeded belongs to one thread.
 */
#ifndef STK_BASE_RAND_H
#define STK_BASE_RAND_H

#include "base/defs.h"

uint64_t stk_rand_u64(void);
int64_t stk_rand_id(void);               /* 1 .. 2^62-1: attempt ids, fits every engine */
uint32_t stk_rand_below(uint32_t bound); /* uniform, bound > 0 */

/* The same seed gives the same stream on every machine (SplitMix64). */
struct stk_seeded {
    uint64_t state_;
};
void stk_seeded_init(struct stk_seeded *seeded, uint64_t seed);
uint64_t stk_seeded_below(struct stk_seeded *seeded, uint64_t bound); /* uniform, bound > 0 */

/* 128 bits of BLAKE2b, for identities of texts. */
void stk_hash128(const void *bytes, size_t len, unsigned char ret_hash[16]);

#endif
