/* SPDX-License-Identifier: MIT
 *
 * table - rows under titles, aligned; cut to the width of the terminal.
 *
 * Memory:  init makes nothing, add copies, release frees.
 * Threads: one at a time.
 */
#ifndef STK_CLI_TABLE_H
#define STK_CLI_TABLE_H

#include "cli/term.h"

struct stk_table_column {
    char *title;
    bool right; /* numbers */
    bool flex;  /* gives way first when the terminal is narrow */
};

struct stk_table_cell {
    char *text;
    enum stk_style style;
};
struct stk_table {
    struct stk_table_column *columns;
    size_t column_count;
    struct stk_table_cell *cells; /* row after row; the last row may be unfinished */
    size_t cell_count, cell_room_;
};
#define STK_TABLE_INIT \
    {                  \
        0              \
    }

/* The title is copied. Columns first, then cells. */
void stk_table_column(struct stk_table *table, const char *title, bool right, bool flex);
/* The next cell; text is escaped (NULL is an empty cell), one line. */
void stk_table_add(struct stk_table *table, enum stk_style style, const char *text);
void stk_table_addf(struct stk_table *table, enum stk_style style, const char *fmt, ...)
    STK_PRINTF(3, 4);
void stk_table_number(struct stk_table *table, int64_t value); /* 0 is a dim 0 */

/* Each line begins with `indent` blanks. Columns that do not fit even when cut
 * are left out from the right, and *ret_hidden counts them (may be NULL). */
void stk_table_render(const struct stk_table *table, const struct stk_term *term, int indent,
                      struct stk_buf *out, size_t *ret_hidden);
void stk_table_release(struct stk_table *table);

#endif
