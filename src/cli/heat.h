/* SPDX-License-Identifier: MIT
 *
 * heat - a field of the results over two parameters, as a map of text.
 *
 * Values of one cell (other parameters, and axes folded to the width) are
 * aggregated; the title says over what. Colours are a scale of even lightness,
 * dark to bright; without colours four shades.
 *
 * Memory:  init borrows the names, add copies, release frees.
 * Threads: pure.
 * Errors:  STK_NOT_FOUND when there is nothing to draw, with why.
 */
#ifndef STK_CLI_HEAT_H
#define STK_CLI_HEAT_H

#include "base/json.h"
#include "cli/columns.h"
#include "cli/term.h"

/* clang-format off */
#define STK_AGG_MAP(X) X(MEAN, "mean") X(MAX, "max") X(MIN, "min") X(COUNT, "count")
/* clang-format on */
enum stk_agg {
#define STK_AGG_NAME(name, text) STK_AGG_##name,
    STK_AGG_MAP(STK_AGG_NAME)
#undef STK_AGG_NAME
};
bool stk_agg_from_name(const char *name, enum stk_agg *ret);

struct stk_heat_point {
    uint32_t x, y; /* places in the keys of the axes */
    double value;
    int64_t id;
};
struct stk_heat_axis {
    const char *name;
    json_t *index; /* canonical text of a value -> its place in values */
    json_t *values;
};
struct stk_heat {
    struct stk_heat_axis x, y;
    const char *field;
    enum stk_agg agg;
    struct stk_heat_point *points;
    size_t count, room_;
    int64_t rows;               /* added; those without a number or an axis are not points */
    json_t *others;             /* other parameters: name -> first value, null once another came */
    struct stk_columns columns; /* of the rows, for errors */
};

void stk_heat_init(struct stk_heat *heat, const char *x, const char *y, const char *field,
                   enum stk_agg agg);
void stk_heat_add(struct stk_heat *heat, const json_t *row);
STK_MUST_USE enum stk_rc stk_heat_render(const struct stk_heat *heat, const struct stk_term *term,
                                         struct stk_buf *out, struct stk_error *err);
void stk_heat_release(struct stk_heat *heat);

#endif
