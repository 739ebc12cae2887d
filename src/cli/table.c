/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

enum { GAP = 2, FLEX_CELLS_MIN = 8 };

void stk_table_column(struct stk_table *table, const char *title, bool right, bool flex)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_text_add_escaped(&text, title, strlen(title));

    assert(table->cell_count == 0);
    table->columns = stk_realloc(table->columns, table->column_count + 1, sizeof(*table->columns));
    table->columns[table->column_count++] = (struct stk_table_column){
        .title = stk_buf_take(&text),
        .right = right,
        .flex = flex,
    };
}

/* Takes the text over. */
static void add_cell(struct stk_table *table, enum stk_style style, char *text)
{
    if (table->cell_count == table->cell_room_) {
        table->cell_room_ = table->cell_room_ == 0 ? 64 : table->cell_room_ * 2;
        table->cells = stk_realloc(table->cells, table->cell_room_, sizeof(*table->cells));
    }
    table->cells[table->cell_count++] = (struct stk_table_cell){ .text = text, .style = style };
}

void stk_table_add(struct stk_table *table, enum stk_style style, const char *text)
{
    struct stk_buf cell = STK_BUF_INIT;
    size_t len = text == NULL ? 0 : strlen(text);
    if (len > 0) stk_text_add_escaped(&cell, text, len);
    add_cell(table, style, stk_buf_take(&cell));
}

void stk_table_addf(struct stk_table *table, enum stk_style style, const char *fmt, ...)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf cell = STK_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    stk_buf_addfv(&cell, fmt, args);
    va_end(args);
    stk_table_add(table, style, stk_buf_str(&cell));
}

void stk_table_number(struct stk_table *table, int64_t value)
{
    struct stk_buf cell = STK_BUF_INIT;
    stk_number_add(&cell, value);
    add_cell(table, value == 0 ? STK_STYLE_DIM : STK_STYLE_PLAIN, stk_buf_take(&cell));
}

/* --- widths -------------------------------------------------------------- */

static void natural_widths(const struct stk_table *table, int *widths)
{
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = stk_text_cells(table->columns[c].title);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        int cells = stk_text_cells(table->cells[i].text);
        if (cells > widths[i % table->column_count]) widths[i % table->column_count] = cells;
    }
}

static int sum_widths(const int *widths, size_t count)
{
    int sum = 0;
    for (size_t c = 0; c < count; c++) {
        sum += widths[c] + (c > 0 ? GAP : 0);
    }
    return sum;
}

static int widest_flex(const struct stk_table *table, const int *widths, size_t count)
{
    int widest = -1;
    for (size_t c = 0; c < count; c++) {
        if (!table->columns[c].flex || widths[c] <= FLEX_CELLS_MIN) continue;
        if (widest < 0 || widths[c] > widths[widest]) widest = (int)c;
    }
    return widest;
}

/* Takes from the widest flexible column, cell by cell, so that they end up
 * alike; then leaves out columns from the right. Returns how many are shown. */
static size_t fit_widths(const struct stk_table *table, int room, int *widths)
{
    size_t shown = table->column_count;
    for (;;) {
        int over = sum_widths(widths, shown) - room;
        if (over <= 0) return shown;

        int widest = widest_flex(table, widths, shown);
        if (widest >= 0) {
            widths[widest]--;
        } else if (shown > 1) {
            shown--;
            natural_widths(table, widths);
        } else {
            return shown;
        }
    }
}

/* --- drawing ------------------------------------------------------------- */

static void add_blanks(struct stk_buf *out, int count)
{
    for (int i = 0; i < count; i++) {
        stk_buf_addc(out, ' ');
    }
}

static void add_field(const struct stk_term *term, struct stk_buf *out, const char *text,
                      enum stk_style style, bool right, int width, bool is_last)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf cut = STK_BUF_INIT;
    int cells = stk_text_cells(text);
    if (cells > width) {
        stk_buf_add(&cut, text, stk_text_fit(text, width - (term->unicode ? 1 : 3)));
        stk_buf_adds(&cut, term->unicode ? "…" : "...");
        text = stk_buf_str(&cut);
        cells = stk_text_cells(text);
    }

    if (right) add_blanks(out, width - cells);
    if (*text != '\0') stk_term_add(term, out, style, text);
    if (!right && !is_last) add_blanks(out, width - cells);
}

static void add_row(const struct stk_table *table, const struct stk_term *term, const int *widths,
                    size_t shown, int indent, const struct stk_table_cell *row, struct stk_buf *out)
{
    add_blanks(out, indent);
    for (size_t c = 0; c < shown; c++) {
        const struct stk_table_column *column = &table->columns[c];
        const char *text = row == NULL ? column->title : row[c].text;
        enum stk_style style = row == NULL ? STK_STYLE_DIM : row[c].style;
        if (c > 0) add_blanks(out, GAP);
        add_field(term, out, text, style, column->right, widths[c], c + 1 == shown);
    }
    while (out->len > 0 && out->data[out->len - 1] == ' ') {
        out->data[--out->len] = '\0';
    }
    stk_buf_addc(out, '\n');
}

void stk_table_render(const struct stk_table *table, const struct stk_term *term, int indent,
                      struct stk_buf *out, size_t *ret_hidden)
{
    assert(table->column_count > 0 && table->cell_count % table->column_count == 0);
    int *widths = stk_alloc(table->column_count * sizeof(*widths));
    natural_widths(table, widths);
    size_t shown = table->column_count;
    if (term->width > 0) shown = fit_widths(table, term->width - indent, widths);

    add_row(table, term, widths, shown, indent, NULL, out);
    for (size_t i = 0; i < table->cell_count; i += table->column_count) {
        add_row(table, term, widths, shown, indent, &table->cells[i], out);
    }
    if (ret_hidden != NULL) *ret_hidden = table->column_count - shown;
    free(widths);
}

void stk_table_release(struct stk_table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        free(table->columns[c].title);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i].text);
    }
    free(table->columns);
    free(table->cells);
    *table = (struct stk_table)STK_TABLE_INIT;
}
