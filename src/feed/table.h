/* SPDX-License-Identifier: MIT
 *
 * table - rows of parameters from a file: CSV with a header line, or JSON
 * Lines.
 *
 * CSV after RFC 4180: quotes, doubled quotes, newlines inside quotes, CRLF or
 * LF, a byte order mark passed over; values are read by the parameter's type,
 * a column that is no parameter is refused by name. JSONL: one object a line.
 * Blank lines are passed over in both, a byte order mark too; no rows at all
 * are an empty array.
 *
 * Memory:  *ret is a new JSON array of objects. With `task` NULL rows are not
 *          checked (JSONL only).
 * Threads: any.
 * Errors:  STK_BAD_DATA "NAME:LINE: ..." naming the parameter; STK_TOO_LARGE:
 *          more than STK_AXIS_VALUES_MAX rows. Then nothing is returned at all.
 */
#ifndef STK_FEED_TABLE_H
#define STK_FEED_TABLE_H

#include "base/json.h"
#include "model/task.h"

/* `whole`: each row must hold every parameter of the task; otherwise other
 * axes give the rest, and all rows must hold the same ones. */
STK_MUST_USE enum stk_rc stk_table_csv(const struct stk_task *task, const char *name,
                                       const char *text, size_t len, bool whole, json_t **ret,
                                       struct stk_error *err);
STK_MUST_USE enum stk_rc stk_table_jsonl(const struct stk_task *task, const char *name,
                                         const char *text, size_t len, bool whole, json_t **ret,
                                         struct stk_error *err);

#endif
