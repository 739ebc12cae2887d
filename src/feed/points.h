/* SPDX-License-Identifier: MIT
 *
 * points - the walk over the parameter objects that one recipe makes.
 *
 * Cross product of the axes, the last one fastest; zipped axes move together,
 * at the place of the first of them; the rows of a file are the first axis.
 * `where` filters, then `sample` draws (`seed` 0 when none is given), keeping
 * the order. Values come in the order they were given; a value given twice
 * counts once. The same recipe and task give the same points in the same order.
 *
 * Memory:  open makes, close frees; *ret_text of next is good until the next
 *          call. The task must live as long.
 * Threads: one at a time.
 * Errors:  see feed/sweep.h. STK_TOO_LARGE: over STK_POINTS_MAX.
 */
#ifndef STK_FEED_POINTS_H
#define STK_FEED_POINTS_H

#include "base/json.h"
#include "model/task.h"

enum {
    STK_AXIS_VALUES_MAX = 1000000 /* on one axis, rows of a file included */
};
#define STK_POINTS_MAX ((int64_t)100 * 1000 * 1000) /* of one recipe, before `where` */

struct stk_points;

STK_MUST_USE enum stk_rc stk_points_open(const struct stk_task *task, const json_t *recipe,
                                         struct stk_points **ret, struct stk_error *err);
/* How many points next will give. Walks them all once when there is a `where`
 * and keeps the number. */
STK_MUST_USE enum stk_rc stk_points_count(struct stk_points *points, int64_t *ret,
                                          struct stk_error *err);
/* The points before `where` and `sample`, and the rows of the file (0: none). */
int64_t stk_points_span(const struct stk_points *points);
size_t stk_points_from_rows(const struct stk_points *points);
/* The canonical text of the next point; *ret_text NULL after the last. */
STK_MUST_USE enum stk_rc stk_points_next(struct stk_points *points, const char **ret_text,
                                         size_t *ret_len, struct stk_error *err);
void stk_points_rewind(struct stk_points *points);
void stk_points_close(struct stk_points *points);
void stk_points_closep(struct stk_points **points);

#endif
