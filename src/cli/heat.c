/* SPDX-License-Identifier: MIT */
#include "cli/heat.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/answer.h"
#include "cli/heat_grid.h"

static const char *const agg_names[] = {
#define STK_AGG_ROW(name, text) [STK_AGG_##name] = text,
    STK_AGG_MAP(STK_AGG_ROW)
#undef STK_AGG_ROW
};

bool stk_agg_from_name(const char *name, enum stk_agg *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(agg_names); i++) {
        if (strcmp(agg_names[i], name) != 0) continue;
        *ret = (enum stk_agg)i;
        return true;
    }
    return false;
}

/* --- collecting ---------------------------------------------------------- */

void stk_heat_init(struct stk_heat *heat, const char *x, const char *y, const char *field,
                   enum stk_agg agg)
{
    *heat = (struct stk_heat){
        .x = { .name = x, .index = json_object(), .values = json_array() },
        .y = { .name = y, .index = json_object(), .values = json_array() },
        .field = field,
        .agg = agg,
        .others = json_object(),
    };
}

static uint32_t place_of(struct stk_heat_axis *axis, const json_t *value)
{
    STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
    const json_t *known = json_object_get(axis->index, text);
    if (known != NULL) return (uint32_t)json_integer_value(known);

    size_t place = json_array_size(axis->values);
    (void)json_object_set_new(axis->index, text, json_integer((json_int_t)place));
    (void)json_array_append_new(axis->values, json_deep_copy(value));
    return (uint32_t)place;
}

/* Remembers one value of each other parameter, until a second one comes. */
static void note_others(struct stk_heat *heat, json_t *params)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(params, name, value)
    {
        if (strcmp(name, heat->x.name) == 0 || strcmp(name, heat->y.name) == 0) continue;
        const json_t *first = json_object_get(heat->others, name);
        if (first == NULL) {
            (void)json_object_set(heat->others, name, value);
        } else if (!json_is_null(first) && !json_equal(first, value)) {
            (void)json_object_set_new(heat->others, name, json_null());
        }
    }
}

static bool number_of(const json_t *value, double *ret)
{
    if (json_is_boolean(value)) {
        *ret = json_is_true(value);
        return true;
    }
    *ret = json_number_value(value);
    return json_is_number(value);
}

void stk_heat_add(struct stk_heat *heat, const json_t *row)
{
    double value = 0;
    const json_t *x = stk_row_value(row, heat->x.name);
    const json_t *y = stk_row_value(row, heat->y.name);
    heat->rows++;
    if (heat->count == 0) stk_columns_scan(&heat->columns, row);
    if (x == NULL || y == NULL || !number_of(stk_row_value(row, heat->field), &value)) return;

    if (heat->count == heat->room_) {
        heat->room_ = heat->room_ == 0 ? 256 : heat->room_ * 2;
        heat->points = stk_realloc(heat->points, heat->room_, sizeof(*heat->points));
    }
    heat->points[heat->count++] = (struct stk_heat_point){
        .x = place_of(&heat->x, x),
        .y = place_of(&heat->y, y),
        .value = value,
        .id = stk_answer_int(row, "id"),
    };
    note_others(heat, json_object_get(row, "params"));
}

void stk_heat_release(struct stk_heat *heat)
{
    json_decref(heat->x.index);
    json_decref(heat->x.values);
    json_decref(heat->y.index);
    json_decref(heat->y.values);
    json_decref(heat->others);
    stk_columns_release(&heat->columns);
    free(heat->points);
    *heat = (struct stk_heat){ .count = 0 };
}

/* --- colours and shades -------------------------------------------------- */

/* Places in the 256 colours near viridis, of rising lightness (CIE L* 21, 38,
 * 51, 64, 77, 81, 97); the dark ones want white text. */
static const struct {
    int background, text;
} colors[] = { { 53, 231 }, { 24, 231 }, { 30, 231 }, { 36, 16 },
               { 77, 16 },  { 148, 16 }, { 226, 16 } };
static const char *const shades[] = { "░", "▒", "▓", "█" };
static const char *const ascii_shades[] = { ".", ":", "o", "#" };

enum { COLORS = STK_ARRAY_LEN(colors), SHADES = STK_ARRAY_LEN(shades) };

static int level_of(double share, int levels)
{
    int level = (int)(share * levels);
    return level < 0 ? 0 : level < levels ? level : levels - 1;
}

struct drawing {
    const struct stk_heat_grid *grid;
    const struct stk_term *term;
    struct stk_buf *out;
    int label_cells; /* of the labels of y, on the left */
    int cell_cells;  /* of one cell */
    bool has_numbers;
};

static void add_blanks(struct stk_buf *out, int count)
{
    stk_buf_addf(out, "%*s", count > 0 ? count : 0, "");
}

static double share_of(const struct drawing *drawing, double value)
{
    double span = drawing->grid->high - drawing->grid->low;
    return span > 0 ? (value - drawing->grid->low) / span : 0.5;
}

static void add_colored(const struct drawing *drawing, double share, const char *text)
{
    int level = level_of(share, COLORS);
    stk_buf_addf(drawing->out, "\033[48;5;%d;38;5;%dm%s\033[0m", colors[level].background,
                 colors[level].text, text);
}

static const char *shade_of(const struct drawing *drawing, double share)
{
    int level = level_of(share, SHADES);
    return drawing->term->unicode ? shades[level] : ascii_shades[level];
}

/* The number right-aligned on its colour, or behind its shade. */
static void add_number_cell(const struct drawing *drawing, double value, const char *mark)
{
    STK_CLEANUP(stk_freep) char *number = stk_format("%.3g%s", value, mark);
    int len = (int)strlen(number);
    if (drawing->term->color_256) {
        STK_CLEANUP(stk_freep)
        char *cell = stk_format("%*s%s", drawing->cell_cells - len, "", number);
        add_colored(drawing, share_of(drawing, value), cell);
        return;
    }
    stk_buf_addc(drawing->out, ' ');
    stk_buf_adds(drawing->out, shade_of(drawing, share_of(drawing, value)));
    add_blanks(drawing->out, drawing->cell_cells - 2 - len);
    stk_buf_adds(drawing->out, number);
}

static void add_block_cell(const struct drawing *drawing, double value, bool is_best)
{
    if (drawing->term->color_256) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%*s", drawing->cell_cells, is_best ? "*" : "");
        add_colored(drawing, share_of(drawing, value), text);
        return;
    }
    for (int i = 0; i < drawing->cell_cells; i++) {
        bool is_mark = is_best && i + 1 == drawing->cell_cells;
        stk_buf_adds(drawing->out, is_mark ? "*" : shade_of(drawing, share_of(drawing, value)));
    }
}

static void add_cell(const struct drawing *drawing, size_t x, size_t y)
{
    const struct stk_heat_grid *grid = drawing->grid;
    const struct stk_heat_cell *cell = &grid->cells[y * grid->x.count + x];
    bool is_best = cell == grid->highest;
    if (cell->count == 0) {
        int behind = drawing->has_numbers ? 1 : 0; /* where others have their mark */
        add_blanks(drawing->out, drawing->cell_cells - 1 - behind);
        stk_buf_adds(drawing->out, drawing->term->unicode ? "·" : "-");
        add_blanks(drawing->out, behind);
    } else if (drawing->has_numbers) {
        add_number_cell(drawing, cell->value, is_best ? "*" : " ");
    } else {
        add_block_cell(drawing, cell->value, is_best);
    }
}

/* --- axes ---------------------------------------------------------------- */

static void add_label(struct stk_buf *out, const char *label, int cells)
{
    size_t bytes = stk_text_fit(label, cells);
    stk_buf_add(out, label, bytes);
}

/* Under numbers a label each, right-aligned; over blocks as many as there is
 * room for, each beginning at its cell. */
static void add_x_labels(const struct drawing *drawing)
{
    const struct stk_heat_grid *grid = drawing->grid;
    int at = 0; /* cells behind the labels of y */
    add_blanks(drawing->out, drawing->label_cells + 1);
    for (size_t i = 0; i < grid->x.count; i++) {
        const char *label = grid->x.labels[i];
        int cells = stk_text_cells(label);
        int start = (int)i * drawing->cell_cells;
        if (drawing->has_numbers) {
            int room = drawing->cell_cells - 2;
            int shown = cells < room ? cells : room;
            add_blanks(drawing->out, drawing->cell_cells - 1 - shown);
            add_label(drawing->out, label, shown);
            stk_buf_addc(drawing->out, ' ');
            continue;
        }
        bool fits = start + cells <= (int)grid->x.count * drawing->cell_cells || i == 0;
        if ((i > 0 && start < at + 1) || !fits) continue;
        add_blanks(drawing->out, start - at);
        stk_buf_adds(drawing->out, label);
        at = start + cells;
    }
    stk_buf_adds(drawing->out, "\n");
}

static void add_rows(const struct drawing *drawing)
{
    const struct stk_heat_grid *grid = drawing->grid;
    for (size_t y = 0; y < grid->y.count; y++) {
        const char *label = grid->y.labels[y];
        int cells = stk_text_cells(label);
        int shown = cells < drawing->label_cells ? cells : drawing->label_cells;
        add_blanks(drawing->out, drawing->label_cells - shown);
        add_label(drawing->out, label, shown);
        stk_buf_addc(drawing->out, ' ');
        for (size_t x = 0; x < grid->x.count; x++) {
            add_cell(drawing, x, y);
        }
        stk_buf_addc(drawing->out, '\n');
    }
}

/* --- words around it ----------------------------------------------------- */

static void add_title(const struct stk_heat *heat, const struct drawing *drawing)
{
    const char *between = "";
    const char *name = NULL;
    const json_t *value = NULL;
    STK_CLEANUP(stk_buf_release) struct stk_buf over = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf at = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *what = stk_format("%s of %s", agg_names[heat->agg], heat->field);

    json_object_foreach(heat->others, name, value)
    {
        if (json_is_null(value)) {
            stk_buf_addf(&over, "%s%s", between, name);
            between = ", ";
        } else {
            stk_buf_addf(&at, ", %s=", name);
            stk_value_add(&at, value);
        }
    }
    stk_term_add(drawing->term, drawing->out, STK_STYLE_STRONG, what);
    if (over.len > 0) stk_buf_addf(drawing->out, " over all %s", stk_buf_str(&over));
    stk_buf_addf(drawing->out, ": %s across, %s down%s\n", heat->x.name, heat->y.name,
                 stk_buf_str(&at));
}

static void add_fold(const struct drawing *drawing, const struct stk_heat_line *line,
                     const char *name)
{
    if (line->fold <= 1) return;
    stk_buf_addf(drawing->out, "%s is folded: a cell is %zu values, named by the first\n", name,
                 line->fold);
}

static void add_legend(const struct drawing *drawing)
{
    const struct stk_heat_grid *grid = drawing->grid;
    int levels = drawing->term->color_256 ? COLORS : SHADES;
    stk_buf_addf(drawing->out, "\n%.4g ", grid->low);
    for (int i = 0; i < levels; i++) {
        double share = ((double)i + 0.5) / levels;
        if (drawing->term->color_256) {
            add_colored(drawing, share, "   ");
        } else {
            const char *shade = shade_of(drawing, share);
            stk_buf_addf(drawing->out, "%s%s%s", shade, shade, shade);
        }
    }
    stk_buf_addf(drawing->out, " %.4g", grid->high);
    if (grid->empty > 0) {
        stk_buf_addf(drawing->out, "   %s no result", drawing->term->unicode ? "·" : "-");
    }
    stk_buf_addc(drawing->out, '\n');
}

static void add_extreme(const struct stk_heat *heat, const struct drawing *drawing,
                        const char *what, const struct stk_heat_cell *cell)
{
    const struct stk_heat_grid *grid = drawing->grid;
    size_t place = (size_t)(cell - grid->cells);
    stk_buf_addf(drawing->out, "%s %.4g at %s=%s %s=%s", what, cell->value, heat->x.name,
                 grid->x.labels[place % grid->x.count], heat->y.name,
                 grid->y.labels[place / grid->x.count]);
    if (cell->count == 1) {
        stk_buf_addf(drawing->out, " (job %" PRId64 ")", cell->id);
    } else if (heat->agg != STK_AGG_COUNT) {
        stk_buf_addf(drawing->out, " (%" PRId64 " jobs)", cell->count);
    }
    stk_buf_addc(drawing->out, '\n');
}

/* --- the whole ----------------------------------------------------------- */

static enum stk_rc fail_empty(const struct stk_heat *heat, struct stk_error *err)
{
    if (heat->rows == 0) return stk_fail(err, STK_NOT_FOUND, "there are no results to draw yet");

    const char *const names[] = { heat->x.name, heat->y.name, heat->field };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        enum stk_rc rc = stk_columns_check(&heat->columns, names[i], err);
        if (rc != STK_OK) return rc;
    }
    return stk_fail(err, STK_NOT_FOUND, "no result has a number in \"%s\"", heat->field);
}

static int widest(const struct stk_heat_line *line, int most)
{
    int cells = 1;
    for (size_t i = 0; i < line->count; i++) {
        int wide = stk_text_cells(line->labels[i]);
        if (wide > cells) cells = wide;
    }
    return cells < most ? cells : most;
}

static int widest_number(const struct stk_heat_grid *grid)
{
    int cells = 1;
    for (size_t i = 0; i < grid->x.count * grid->y.count; i++) {
        char text[32];
        if (grid->cells[i].count == 0) continue;
        int len = snprintf(text, sizeof(text), "%.3g", grid->cells[i].value);
        if (len > cells) cells = len;
    }
    return cells;
}

/* Numbers when all of them have room, else blocks, and when one cell each is
 * too wide the axis is folded. */
static void lay_out(const struct stk_heat *heat, struct stk_heat_grid *grid,
                    struct drawing *drawing)
{
    int rows_max = drawing->term->height > 20 ? drawing->term->height - 8 : 40;
    stk_heat_grid_make(heat, 1, 1, grid);
    drawing->label_cells = widest(&grid->y, 12);
    int room = stk_term_width(drawing->term) - drawing->label_cells - 1;
    size_t x_fold = (grid->x.count + (size_t)room - 1) / (size_t)room;
    size_t y_fold = (grid->y.count + (size_t)rows_max - 1) / (size_t)rows_max;

    if (x_fold > 1 || y_fold > 1) {
        stk_heat_grid_release(grid);
        stk_heat_grid_make(heat, x_fold, y_fold, grid);
    }
    int labels = widest(&grid->x, 12);
    int numbers = widest_number(grid);
    int wanted = (labels > numbers ? labels : numbers) + (drawing->term->color_256 ? 2 : 4);
    drawing->has_numbers = (int)grid->x.count * wanted <= room;
    drawing->cell_cells = wanted;
    if (drawing->has_numbers) return;

    int most = room / (int)grid->x.count;
    int labelled = labels + 1 > 2 ? labels + 1 : 2; /* a cell wide enough for its label */
    drawing->cell_cells = most < 1 ? 1 : most < labelled ? most : labelled;
}

enum stk_rc stk_heat_render(const struct stk_heat *heat, const struct stk_term *term,
                            struct stk_buf *out, struct stk_error *err)
{
    if (heat->count == 0) return fail_empty(heat, err);

    STK_CLEANUP(stk_heat_grid_release) struct stk_heat_grid grid = { .empty = 0 };
    struct drawing drawing = { .grid = &grid, .term = term, .out = out };
    lay_out(heat, &grid, &drawing);

    add_title(heat, &drawing);
    add_x_labels(&drawing);
    add_rows(&drawing);
    add_legend(&drawing);
    add_extreme(heat, &drawing, "* highest", grid.highest);
    add_extreme(heat, &drawing, "  lowest ", grid.lowest);
    add_fold(&drawing, &grid.x, heat->x.name);
    add_fold(&drawing, &grid.y, heat->y.name);
    if (heat->rows > (int64_t)heat->count) {
        stk_count_add(out, heat->rows - (int64_t)heat->count, "result has", "results have");
        stk_buf_addf(out, " no number in %s, or lacks an axis\n", heat->field);
    }
    return STK_OK;
}
