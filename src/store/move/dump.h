/* SPDX-License-Identifier: MIT
 *
 * dump - the rows of an SQLite store, as lines, on a read-only connection of its
 * own; somebody else owns the store meanwhile. Private to src/store/move.
 *
 * Memory:  open makes, close frees; NULL is a no-op. Lines are borrowed.
 * Threads: one at a time.
 */
#ifndef STK_STORE_MOVE_DUMP_H
#define STK_STORE_MOVE_DUMP_H

#include "base/err.h"
#include "store/move/line.h"
#include "store/move/tables.h"

struct stk_dump;

/* STK_NOT_FOUND: there is no such file. */
STK_MUST_USE enum stk_rc stk_dump_exists(const char *url, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_dump_open(const char *url, struct stk_dump **ret,
                                       struct stk_error *err);
void stk_dump_closep(struct stk_dump **dump);

STK_MUST_USE enum stk_rc stk_dump_count(struct stk_dump *dump, const struct stk_move_table *table,
                                        int64_t *ret_rows, struct stk_error *err);
/* Every row, in the order of the key; what `each` returns ends it when it is no STK_OK. */
typedef enum stk_rc (*stk_dump_fn)(void *context, const struct stk_move_line *line,
                                   struct stk_error *err);
STK_MUST_USE enum stk_rc stk_dump_table(struct stk_dump *dump, const struct stk_move_table *table,
                                        stk_dump_fn each, void *context, int64_t *ret_mended,
                                        struct stk_error *err);

#endif
