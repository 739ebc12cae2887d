/* SPDX-License-Identifier: MIT
 *
 * chain - the audit log as a chain of hashes, the same in every engine, so that
 * a log that moves to another engine still holds.
 *
 * Pure: no store, no memory of its own. Private to src/store.
 */
#ifndef STK_STORE_CHAIN_H
#define STK_STORE_CHAIN_H

#include "store/accounts.h"

enum { STK_CHAIN_BYTES = 32 };

/* A row's place in the chain: its number, and the hash it ends with. */
struct stk_chain_link {
    int64_t id;
    unsigned char hash[STK_CHAIN_BYTES]; /* before the first row: zeros */
};

/* A row as it is stored. Its hashes, of whatever length, may be NULL. */
struct stk_chain_row {
    struct stk_audit audit;
    const void *prev, *hash;
    size_t prev_len, hash_len;
};

/* The link that a row of the log is. False: that is no hash. */
bool stk_chain_set(struct stk_chain_link *ret, int64_t id, const void *hash, size_t len);
/* The row that follows; of `audit` the time is set and the number given. */
struct stk_chain_link stk_chain_follow(const struct stk_chain_link *before,
                                       struct stk_audit *audit);
/* Moves on to the row that follows. STK_BAD_DATA: it does not hold, and why. */
STK_MUST_USE enum stk_rc stk_chain_check(struct stk_chain_link *link,
                                         const struct stk_chain_row *row, struct stk_error *err);

/* BLAKE2b over the hash before it and all columns of the row, each with its
 * length in front, so that no text can pass for a part of its neighbour. */
void stk_chain_hash(const struct stk_chain_link *before, const struct stk_audit *audit,
                    unsigned char ret_hash[STK_CHAIN_BYTES]);

#endif
