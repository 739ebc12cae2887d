/* SPDX-License-Identifier: MIT
 *
 * range - the values of one axis from what a person typed.
 *
 * `1,2,5` is a list, `5:200:5` first:last:step (last is met exactly or passed
 * short of), `1:10` has step 1, `10:1:-3` goes down; both may be mixed:
 * `1,2,10:20:5`. Float ranges are exact: they are computed in decimal, so that
 * 0.1:0.5:0.1 gives 0.3 and not 0.30000000000000004. Text and bool axes are
 * lists; a comma inside a text is written "\,".
 *
 * Memory:  *ret is a new JSON array; a value given twice is in it twice.
 * Threads: any.
 * Errors:  STK_INVALID naming parameter and text: empty, step 0 or of the wrong
 *          sign, not a number, more than 15 decimal places in a range, a value
 *          the task does not allow, more than STK_AXIS_VALUES_MAX values.
 */
#ifndef STK_FEED_RANGE_H
#define STK_FEED_RANGE_H

#include "base/json.h"
#include "model/task.h"

STK_MUST_USE enum stk_rc stk_range_parse(const struct stk_task *task, const struct stk_param *param,
                                         const char *text, json_t **ret, struct stk_error *err);

#endif
