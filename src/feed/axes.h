/* SPDX-License-Identifier: MIT
 *
 * axes - the axes of a recipe, each value checked and its text made ready.
 *
 * An axis is a table: its columns are the parameters that it gives, its rows
 * what they are set to together. A typed axis has one column, zipped ones and
 * a file several; the defaults of the task that nobody gave are an axis of one
 * row. Each parameter of the task is a column of exactly one axis, so a point
 * is one row of each.
 *
 * Memory:  init fills the caller's struct, release frees what is in it.
 * Threads: one at a time.
 * Errors:  see feed/sweep.h.
 */
#ifndef STK_FEED_AXES_H
#define STK_FEED_AXES_H

#include "base/json.h"
#include "model/task.h"

/* Cell i is row i / columns, column i % columns. Its text, `{"fast":5` for the
 * first parameter by name and `,"slow":20` for the others, is text.data from
 * starts[i] to starts[i + 1]: those of a point and a "}" make its JSON. */
struct stk_axis {
    size_t rows, columns;
    size_t *params;  /* of each column: where it is among axes->params */
    json_t **values; /* of each cell */
    size_t *starts;
    struct stk_buf text;
    size_t row_bytes_max;
};

struct stk_axes {
    const struct stk_param **params; /* all of the task, sorted by name */
    size_t param_count;
    struct stk_axis *items; /* the first one slowest */
    size_t count;
    int64_t points; /* the product of the rows */
    size_t point_bytes_max;
    size_t from_rows; /* of the file, 0 without one */
};
#define STK_AXES_INIT \
    {                 \
        0             \
    }

/* Members "axes", "zip" and "from" of the recipe (feed/sweep.h). */
STK_MUST_USE enum stk_rc stk_axes_init(struct stk_axes *axes, const struct stk_task *task,
                                       const json_t *recipe, struct stk_error *err);
void stk_axes_release(struct stk_axes *axes);

#endif
