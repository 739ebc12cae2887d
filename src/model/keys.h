/* SPDX-License-Identifier: MIT
 *
 * keys - the keys of one map of stoker.yaml, as a table: a name and its reader.
 *
 * Memory:  nothing is made.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_KEYS_H
#define STK_MODEL_KEYS_H

#include "base/config.h"

enum { STK_KEYS_MAX = 32 };

/* `read` NULL: the key belongs to a later version, and is refused as such. */
struct stk_key {
    const char *name;
    enum stk_rc (*read)(const struct stk_node *node, void *into, struct stk_error *err);
};

/* Refuses what is not a map, keys that are not in the table, and keys of later
 * versions; then calls the reader of each key that is there, in the order of
 * the table. */
STK_MUST_USE enum stk_rc stk_keys_read(const struct stk_node *map, const struct stk_key *keys,
                                       size_t count, void *into, struct stk_error *err);

/* Readers of values that more than one table needs. Sizes: "512MiB", "64KiB",
 * "2GB", a bare number is bytes; from min to max. */
STK_MUST_USE enum stk_rc stk_key_size(const struct stk_node *node, uint64_t min, uint64_t max,
                                      uint64_t *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_key_duration(const struct stk_node *node, stk_time_ns min,
                                          stk_time_ns max, stk_time_ns *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_key_u32(const struct stk_node *node, uint32_t min, uint32_t max,
                                     uint32_t *ret, struct stk_error *err);

#endif
