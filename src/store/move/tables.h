/* SPDX-License-Identifier: MIT
 *
 * tables - what a move copies: every table with its columns, as SQLite has them
 * and as PostgreSQL wants them. Private to src/store/move.
 *
 * Not here, because it is nothing that must survive: consoles that were shipped,
 * watches, asks to cancel (their jobs say so themselves).
 */
#ifndef STK_STORE_MOVE_TABLES_H
#define STK_STORE_MOVE_TABLES_H

#include "base/defs.h"

enum stk_move_kind {
    STK_MOVE_NUMBER,
    STK_MOVE_FLAG, /* 0, 1: a boolean there */
    STK_MOVE_TEXT, /* enumerations too */
    STK_MOVE_BYTES,
    STK_MOVE_REAL,
};
enum { STK_MOVE_COLUMNS_MAX = 40 };

struct stk_move_column {
    const char *to; /* NULL ends a table's columns */
    enum stk_move_kind kind;
    const char *from; /* an expression over the SQLite table; NULL: the same name */
};
struct stk_move_table {
    const char *name;     /* on both sides */
    const char *key;      /* columns that order it, on both sides; a text's by its bytes */
    bool has_ids;         /* an own sequence, to be set past them */
    const char *sequence; /* NULL: that of the column id */
    const char *from;     /* a query instead of the SQLite table; or NULL */
    const struct stk_move_column *columns;
    const char *born_with; /* rows that a store has from its making: a condition; or NULL */
};

size_t stk_move_tables(const struct stk_move_table **ret);

#endif
