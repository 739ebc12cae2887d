/* SPDX-License-Identifier: MIT
 *
 * heat_grid - the points of a heat map sorted into cells.
 *
 * Memory:  make fills an empty grid, release frees it.
 * Threads: pure.
 * Errors:  none; the heat has a point at least.
 */
#ifndef STK_CLI_HEAT_GRID_H
#define STK_CLI_HEAT_GRID_H

#include "cli/heat.h"

struct stk_heat_cell {
    int64_t count; /* of points; 0: empty */
    double value;  /* aggregated */
    double sum, low, high;
    int64_t id; /* of the first */
};
struct stk_heat_line { /* one axis, sorted and folded */
    char **labels;     /* escaped */
    size_t count, fold;
    size_t *places; /* from a point's x or y to its cell */
};
struct stk_heat_grid {
    struct stk_heat_line x, y;
    struct stk_heat_cell *cells; /* row after row */
    double low, high;            /* of all cells' values */
    const struct stk_heat_cell *lowest, *highest;
    size_t empty;
};

/* x_fold, y_fold: so many neighbours share a cell; 1: none. */
void stk_heat_grid_make(const struct stk_heat *heat, size_t x_fold, size_t y_fold,
                        struct stk_heat_grid *ret);
void stk_heat_grid_release(struct stk_heat_grid *grid);

#endif
