/* SPDX-License-Identifier: MIT
 *
 * columns - parameters and result fields of a job, by name.
 *
 * `id` is the job; a plain name is a parameter, else a field of the result;
 * params.NAME and result.NAME say which when both have it, and reach into
 * nested objects (result.metrics.sharpe). A result that is no object is the
 * column `result`.
 *
 * Memory:  scan copies names, release frees; values are borrowed from the row.
 * Threads: pure.
 * Errors:  STK_NOT_FOUND naming the column; "did you mean" when one is near.
 */
#ifndef STK_CLI_COLUMNS_H
#define STK_CLI_COLUMNS_H

#include "base/json.h"

struct stk_columns {
    char **names;
    size_t count;
    size_t param_count_; /* id and parameters stand before the result's fields */
};
#define STK_COLUMNS_INIT \
    {                    \
        0                \
    }

/* `row`: {"id", "params", "result"}; NULL when it has no such value, or null. */
const json_t *stk_row_value(const json_t *row, const char *name);

/* Adds the columns of a row that are not there yet. */
void stk_columns_scan(struct stk_columns *columns, const json_t *row);

/* "a,b,c" instead of all; each must be a column of the rows scanned, or reach
 * into one. */
STK_MUST_USE enum stk_rc stk_columns_choose(struct stk_columns *columns, const char *names,
                                            struct stk_error *err);
STK_MUST_USE enum stk_rc stk_columns_check(const struct stk_columns *columns, const char *name,
                                           struct stk_error *err);
void stk_columns_release(struct stk_columns *columns);

/* Orders two values: nothing last, numbers before texts before the rest. */
int stk_value_compare(const json_t *a, const json_t *b);

#endif
