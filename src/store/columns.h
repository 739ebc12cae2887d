/* SPDX-License-Identifier: MIT
 *
 * columns - the rows of sessions and limits, each struct described once, column
 * by column in the order of the statements that read and write it. An engine
 * walks the table and only has to know how it binds and reads one kind.
 *
 * Pure. Private to src/store.
 */
#ifndef STK_STORE_COLUMNS_H
#define STK_STORE_COLUMNS_H

#include <stddef.h>

#include "store/store.h"

/* What a member is: char[size], int64_t, stk_time_ns (STK_NEVER: NULL),
 * uint32_t, bool, enum stk_session_state (its name). */
enum stk_column_kind {
    STK_COLUMN_TEXT,
    STK_COLUMN_NUMBER,
    STK_COLUMN_TIME,
    STK_COLUMN_SMALL,
    STK_COLUMN_FLAG,
    STK_COLUMN_STATE
};
struct stk_column {
    enum stk_column_kind kind;
    size_t at, size; /* in the struct */
};

struct stk_columns {
    const struct stk_column *all;
    size_t count;
};
extern const struct stk_columns stk_session_columns; /* of struct stk_session */
extern const struct stk_columns stk_limit_columns;   /* of struct stk_limit */

/* Into a member of the kind TEXT, or STATE. text may be NULL: empty. */
void stk_column_set_text(const struct stk_column *column, void *member, const char *text);
void stk_column_set_state(void *member, const char *name);

#endif
