/* SPDX-License-Identifier: MIT
 *
 * The statements of the SQLite engine, and what its errors mean.
 */
#include "store/sqlite/sqlite.h"

#include <assert.h>
#include <errno.h>

#include "sql_sqlite.h"

const struct stk_engine stk_engine_sqlite = { .schemes = { "sqlite" },
#define ENGINE_ROW(name) .name = stk_sqlite_##name,
                                              STK_ENGINE_MAP(ENGINE_ROW)
#undef ENGINE_ROW
};

enum who { READ, WRITE };
static const struct {
    const char *sql;
    enum who who;
} stmts[] = {
#define STMT_ROW(name, who) [STMT_##name] = { SQL_SQLITE_##name, who },
    STMT_MAP(STMT_ROW)
#undef STMT_ROW
};
_Static_assert(STK_ARRAY_LEN(stmts) == STMT_COUNT_, "one text per statement");

/* clang-format off */
static const struct {
    int code;
    enum stk_rc rc;
    const char *hint;
} meanings[] = {
    { SQLITE_FULL,       STK_FULL,        "free some room; nothing that was accepted is lost" },
    { SQLITE_BUSY,       STK_BUSY,        "another program is using the file" },
    { SQLITE_LOCKED,     STK_BUSY,        NULL },
    { SQLITE_READONLY,   STK_DENIED,      "the file or its folder is read-only" },
    { SQLITE_PERM,       STK_DENIED,      NULL },
    { SQLITE_AUTH,       STK_DENIED,      NULL },
    { SQLITE_CANTOPEN,   STK_UNAVAILABLE, NULL },
    { SQLITE_CORRUPT,    STK_BAD_DATA,    "stop stoker, keep a copy of the files, and restore the last "
                                          "backup (or what sqlite3's .recover can read)" },
    { SQLITE_NOTADB,     STK_BAD_DATA,    "this is not a SQLite database" },
    { SQLITE_IOERR,      STK_UNAVAILABLE, NULL },
    { SQLITE_CONSTRAINT, STK_CONFLICT,    NULL },
    { SQLITE_TOOBIG,     STK_TOO_LARGE,   NULL },
    { SQLITE_INTERRUPT,  STK_TIMEOUT,     "narrow the question: by task and state, by sweep, or with a smaller limit" },
};
/* clang-format on */

static size_t meaning_of(int code)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(meanings); i++) {
        if (meanings[i].code == (code & 0xff)) return i;
    }
    return STK_ARRAY_LEN(meanings);
}

enum stk_rc stk_sqlite_rc(int code, int system_errno)
{
    bool is_io = (code & 0xff) == SQLITE_IOERR;
    if (is_io && (system_errno == ENOSPC || system_errno == EDQUOT)) return STK_FULL;

    size_t at = meaning_of(code);
    return at < STK_ARRAY_LEN(meanings) ? meanings[at].rc : STK_INTERNAL;
}

enum stk_rc stk_sqlite_fail(const struct stk_sqlite *self, struct stk_error *err, const char *what)
{
    int code = sqlite3_extended_errcode(self->db);
    size_t at = meaning_of(code);
    const char *hint = at < STK_ARRAY_LEN(meanings) ? meanings[at].hint : NULL;

    return stk_fail(err, stk_sqlite_rc(code, sqlite3_system_errno(self->db)),
                    "could not %s: %s (%s)%s%s", what, sqlite3_errmsg(self->db),
                    stk_sqlite_base_name(self->path), hint != NULL ? "; " : "",
                    hint != NULL ? hint : "");
}

enum stk_rc stk_sqlite_prepare(struct stk_sqlite *self, struct stk_error *err)
{
    for (size_t i = 0; i < STMT_COUNT_; i++) {
        if (self->read_only && stmts[i].who == WRITE) continue;
        int code = sqlite3_prepare_v3(self->db, stmts[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &self->stmts[i], NULL);
        if (code != SQLITE_OK) return stk_sqlite_fail(self, err, "prepare a statement");
    }
    return STK_OK;
}

enum stk_rc stk_sqlite_exec(struct stk_sqlite *self, const char *sql, const char *what,
                            struct stk_error *err)
{
    int code = sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STK_OK : stk_sqlite_fail(self, err, what);
}

void stk_sqlite_resetp(sqlite3_stmt **stmt)
{
    if (*stmt == NULL) return;
    (void)sqlite3_reset(*stmt); /* its error was step's, and reported there */
    (void)sqlite3_clear_bindings(*stmt);
}

enum stk_rc stk_sqlite_run(struct stk_sqlite *self, sqlite3_stmt *stmt, const char *what,
                           struct stk_error *err)
{
    int code = sqlite3_step(stmt);
    int reset = sqlite3_reset(stmt);
    assert(code != SQLITE_ROW);
    if (code != SQLITE_DONE || reset != SQLITE_OK) return stk_sqlite_fail(self, err, what);
    return STK_OK;
}

enum stk_rc stk_sqlite_next(struct stk_sqlite *self, sqlite3_stmt *stmt, const char *what,
                            bool *ret_row, struct stk_error *err)
{
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE) return stk_sqlite_fail(self, err, what);
    *ret_row = code == SQLITE_ROW;
    return STK_OK;
}

enum stk_rc stk_sqlite_number(struct stk_sqlite *self, sqlite3_stmt *stmt, const char *what,
                              int64_t none, int64_t *ret, struct stk_error *err)
{
    bool row = false;
    int64_t number = none;
    enum stk_rc rc = stk_sqlite_next(self, stmt, what, &row, err);
    if (rc == STK_OK && row && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        number = sqlite3_column_int64(stmt, 0);
    }
    if (rc == STK_OK && row) rc = stk_sqlite_next(self, stmt, what, &row, err);
    (void)sqlite3_reset(stmt);
    if (rc == STK_OK) *ret = number;
    return rc;
}

void stk_sqlite_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    (void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

void stk_sqlite_bind_id(sqlite3_stmt *stmt, int at, int64_t id)
{
    (void)(id != 0 ? sqlite3_bind_int64(stmt, at, id) : sqlite3_bind_null(stmt, at));
}

void stk_sqlite_bind_time(sqlite3_stmt *stmt, int at, stk_time_ns time)
{
    (void)(time != STK_NEVER ? sqlite3_bind_int64(stmt, at, time) : sqlite3_bind_null(stmt, at));
}

const char *stk_sqlite_text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

stk_time_ns stk_sqlite_time(sqlite3_stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return STK_NEVER;
    return sqlite3_column_int64(stmt, column);
}

enum stk_state stk_sqlite_state(sqlite3_stmt *stmt, int column)
{
    enum stk_state state = STK_STATE_PENDING;
    bool known = stk_state_from_name(stk_sqlite_text(stmt, column), &state);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return state;
}
