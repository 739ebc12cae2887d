/* SPDX-License-Identifier: MIT
 *
 * where - a SQL expression over parameters, evaluated by SQLite in memory.
 *
 * Only an expression: its shape is checked before SQLite sees it (brackets and
 * quotes closed, no comment, no ";", no SELECT), so that it cannot leave the
 * brackets it is put into; an authorizer refuses everything that reads,
 * writes, attaches or recurses, and each function that is not in a list (none
 * that gives another value the next time); a step limit ends what runs too
 * long. True is as in SQL: not 0 and not NULL. A bool is 1 or 0.
 *
 * Memory:  open makes, close frees.
 * Threads: one at a time.
 * Errors:  STK_INVALID with SQLite's words about the expression.
 */
#ifndef STK_FEED_WHERE_H
#define STK_FEED_WHERE_H

#include "base/json.h"

enum { STK_WHERE_BYTES_MAX = 4096 };

struct stk_where;

/* names[i] is the name of value i. */
STK_MUST_USE enum stk_rc stk_where_open(const char *expression, const char *const *names,
                                        size_t count, struct stk_where **ret,
                                        struct stk_error *err);
STK_MUST_USE enum stk_rc stk_where_test(struct stk_where *where, const json_t *const *values,
                                        bool *ret_true, struct stk_error *err);
void stk_where_close(struct stk_where *where);
void stk_where_closep(struct stk_where **where);

#endif
