/* SPDX-License-Identifier: MIT
 *
 * load - the other end of a move: one transaction on a PostgreSQL store that is
 * empty. Private to src/store/move.
 *
 * Memory:  open makes, close frees, and rolls back what was not committed.
 * Threads: one at a time. Waits for the server as long as it takes.
 * Errors:  STK_CONFLICT: the store holds something, or pools work on it.
 */
#ifndef STK_STORE_MOVE_LOAD_H
#define STK_STORE_MOVE_LOAD_H

#include "base/err.h"
#include "store/move/line.h"
#include "store/move/tables.h"

struct stk_load;

STK_MUST_USE enum stk_rc stk_load_open(const char *url, struct stk_load **ret,
                                       struct stk_error *err);
void stk_load_closep(struct stk_load **load);

/* Keeps others from writing, and refuses a store that holds a row of a table. */
STK_MUST_USE enum stk_rc stk_load_begin(struct stk_load *load, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_load_table(struct stk_load *load, const struct stk_move_table *table,
                                        struct stk_error *err);
STK_MUST_USE enum stk_rc stk_load_line(struct stk_load *load, const struct stk_move_line *line,
                                       struct stk_error *err);
STK_MUST_USE enum stk_rc stk_load_table_end(struct stk_load *load, struct stk_error *err);
/* The sum of what is there now; the next ids come after it. */
STK_MUST_USE enum stk_rc stk_load_check(struct stk_load *load, const struct stk_move_table *table,
                                        struct stk_move_sum *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_load_commit(struct stk_load *load, struct stk_error *err);

#endif
