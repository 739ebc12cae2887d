/* SPDX-License-Identifier: MIT */
#include "cli/heat_grid.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/answer.h"

struct key {
    const json_t *value;
    size_t place; /* in the axis of the heat */
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    int order = stk_value_compare(left->value, right->value);
    if (order != 0) return order;
    return left->place < right->place ? -1 : 1;
}

static char *label_of(const json_t *value)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_value_add(&text, value);
    return stk_buf_take(&text);
}

static void make_line(const struct stk_heat_axis *axis, size_t fold, struct stk_heat_line *line)
{
    size_t count = json_array_size(axis->values);
    struct key *keys = stk_realloc(NULL, count, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct key){ .value = json_array_get(axis->values, i), .place = i };
    }
    qsort(keys, count, sizeof(*keys), compare_keys);

    line->fold = fold;
    line->count = (count + fold - 1) / fold;
    line->places = stk_realloc(NULL, count, sizeof(*line->places));
    line->labels = stk_realloc(NULL, line->count, sizeof(*line->labels));
    for (size_t i = 0; i < count; i++) {
        line->places[keys[i].place] = i / fold;
        if (i % fold == 0) line->labels[i / fold] = label_of(keys[i].value);
    }
    free(keys);
}

static void add_point(struct stk_heat_cell *cell, const struct stk_heat_point *point)
{
    bool is_first = cell->count == 0;
    if (is_first || point->value < cell->low) cell->low = point->value;
    if (is_first || point->value > cell->high) cell->high = point->value;
    if (is_first) cell->id = point->id;
    cell->sum += point->value;
    cell->count++;
}

static double aggregate(const struct stk_heat_cell *cell, enum stk_agg agg)
{
    switch (agg) {
    case STK_AGG_MEAN: return cell->sum / (double)cell->count;
    case STK_AGG_MAX: return cell->high;
    case STK_AGG_MIN: return cell->low;
    case STK_AGG_COUNT: return (double)cell->count;
    }
    return 0;
}

static void find_extremes(struct stk_heat_grid *grid, enum stk_agg agg)
{
    for (size_t i = 0; i < grid->x.count * grid->y.count; i++) {
        struct stk_heat_cell *cell = &grid->cells[i];
        if (cell->count == 0) {
            grid->empty++;
            continue;
        }
        cell->value = aggregate(cell, agg);
        if (grid->lowest == NULL || cell->value < grid->lowest->value) grid->lowest = cell;
        if (grid->highest == NULL || cell->value > grid->highest->value) grid->highest = cell;
    }
    assert(grid->lowest != NULL && grid->highest != NULL);
    grid->low = grid->lowest->value;
    grid->high = grid->highest->value;
}

void stk_heat_grid_make(const struct stk_heat *heat, size_t x_fold, size_t y_fold,
                        struct stk_heat_grid *ret)
{
    struct stk_heat_grid grid = { .empty = 0 };
    make_line(&heat->x, x_fold, &grid.x);
    make_line(&heat->y, y_fold, &grid.y);

    grid.cells = stk_alloc(grid.x.count * grid.y.count * sizeof(*grid.cells));
    for (size_t i = 0; i < heat->count; i++) {
        const struct stk_heat_point *point = &heat->points[i];
        size_t row = grid.y.places[point->y];
        add_point(&grid.cells[row * grid.x.count + grid.x.places[point->x]], point);
    }
    find_extremes(&grid, heat->agg);
    *ret = grid;
}

static void release_line(struct stk_heat_line *line)
{
    for (size_t i = 0; i < line->count; i++) {
        free(line->labels[i]);
    }
    free(line->labels);
    free(line->places);
}

void stk_heat_grid_release(struct stk_heat_grid *grid)
{
    release_line(&grid->x);
    release_line(&grid->y);
    free(grid->cells);
    *grid = (struct stk_heat_grid){ .empty = 0 };
}
