/* SPDX-License-Identifier: MIT
 *
 * where - a SQL expression over parameters, evaluated by SQLite in memory.
 *
 * Only an expression: an authorizer refuses everything that reads, writes,
 * attaches or recurses, and a step limit ends what runs too long. True is as
 * in SQL: not 0 and not NULL.
 *
 * Memory:  open makes, close frees.
 * Threads: one at a time.
 * Errors:  STK_INVALID with SQLite's words about the expression.
 */
#ifndef STK_FEED_WHERE_H
#define STK_FEED_WHERE_H

#include "base/json.h"

struct stk_where;

/* names[i] is the name of value i. */
STK_MUST_USE enum stk_rc stk_where_open(const char *expression, const char *const *names,
                                        size_t count, struct stk_where **ret,
                                        struct stk_error *err);
STK_MUST_USE enum stk_rc stk_where_test(struct stk_where *where, const json_t *const *values,
                                        bool *ret_true, struct stk_error *err);
void stk_where_close(struct stk_where *where);

#endif
