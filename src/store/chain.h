/* SPDX-License-Identifier: MIT
 *
 * chain - the audit log as a chain of hashes, the same in every engine, so that
 * a log that moves to another engine still holds.
 *
 * Pure: no store, no memory. Private to src/store.
 */
#ifndef STK_STORE_CHAIN_H
#define STK_STORE_CHAIN_H

#include "store/store.h"

enum { STK_CHAIN_BYTES = 32 };

/* A row's place in the chain: its number, and the hash it ends with. */
struct stk_chain_link {
    int64_t id;
    unsigned char hash[STK_CHAIN_BYTES]; /* before the first row: zeros */
};

/* BLAKE2b over the hash before it and all columns of the row, each with its
 * length in front, so that no text can pass for a part of its neighbour. */
void stk_chain_hash(const struct stk_chain_link *before, const struct stk_audit *audit,
                    unsigned char ret_hash[STK_CHAIN_BYTES]);

#endif
