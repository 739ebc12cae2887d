/* SPDX-License-Identifier: MIT */
#include "store/move/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/sqlite/sqlite.h"

struct stk_dump {
    sqlite3 *db;
    char *path;
};

static void finalizep(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt);
}

static enum stk_rc fail(struct stk_dump *dump, const char *table, struct stk_error *err)
{
    return stk_fail(err, STK_BAD_DATA, "could not read %s of %s: %s", table, dump->path,
                    sqlite3_errmsg(dump->db));
}

enum stk_rc stk_dump_exists(const char *url, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *path = stk_sqlite_path(url);
    if (access(path, F_OK) == 0) return STK_OK;
    return stk_fail(err, STK_NOT_FOUND, "there is no store at %s: %s", path, strerror(errno));
}

enum stk_rc stk_dump_open(const char *url, struct stk_dump **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_dump_closep) struct stk_dump *dump = stk_alloc(sizeof(*dump));
    dump->path = stk_sqlite_path(url);
    int code =
        sqlite3_open_v2(dump->path, &dump->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) return fail(dump, "the tables", err);
    /* Only the owner may checkpoint; see sqlite/open.c. */
    (void)sqlite3_db_config(dump->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

    *ret = dump;
    dump = NULL;
    return STK_OK;
}

void stk_dump_closep(struct stk_dump **dump)
{
    if (*dump == NULL) return;
    (void)sqlite3_close(dump[0]->db);
    free(dump[0]->path);
    free(*dump);
    *dump = NULL;
}

/* --- statements ---------------------------------------------------------------- */

static void add_from(const struct stk_move_table *table, struct stk_buf *sql)
{
    if (table->from == NULL) stk_buf_addf(sql, " FROM %s", table->name);
    if (table->from != NULL) stk_buf_addf(sql, " FROM (%s)", table->from);
}

static enum stk_rc prepare(struct stk_dump *dump, const struct stk_move_table *table,
                           const struct stk_buf *sql, sqlite3_stmt **ret, struct stk_error *err)
{
    int code = sqlite3_prepare_v2(dump->db, stk_buf_str(sql), (int)sql->len, ret, NULL);
    return code == SQLITE_OK ? STK_OK : fail(dump, table->name, err);
}

enum stk_rc stk_dump_count(struct stk_dump *dump, const struct stk_move_table *table,
                           int64_t *ret_rows, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    stk_buf_adds(&sql, "SELECT count(*)");
    add_from(table, &sql);
    enum stk_rc rc = prepare(dump, table, &sql, &stmt, err);
    if (rc != STK_OK) return rc;
    if (sqlite3_step(stmt) != SQLITE_ROW) return fail(dump, table->name, err);
    *ret_rows = sqlite3_column_int64(stmt, 0);
    return STK_OK;
}

static void add_select(const struct stk_move_table *table, struct stk_buf *sql)
{
    stk_buf_adds(sql, "SELECT ");
    for (const struct stk_move_column *column = table->columns; column->to != NULL; column++) {
        stk_buf_addf(sql, "%s%s", column > table->columns ? ", " : "",
                     column->from != NULL ? column->from : column->to);
    }
    add_from(table, sql);
    stk_buf_addf(sql, " ORDER BY %s", table->key);
}

/* --- rows ------------------------------------------------------------------------ */

static void add_cell(sqlite3_stmt *stmt, int at, enum stk_move_kind kind,
                     struct stk_move_line *line)
{
    if (sqlite3_column_type(stmt, at) == SQLITE_NULL) {
        stk_move_line_null(line);
        return;
    }
    switch (kind) {
    case STK_MOVE_NUMBER:
    case STK_MOVE_FLAG: stk_move_line_number(line, sqlite3_column_int64(stmt, at)); return;
    case STK_MOVE_REAL: stk_move_line_real(line, sqlite3_column_double(stmt, at)); return;
    case STK_MOVE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, at);
        stk_move_line_text(line, text, (size_t)sqlite3_column_bytes(stmt, at));
        return;
    }
    case STK_MOVE_BYTES: {
        const unsigned char *bytes = sqlite3_column_blob(stmt, at);
        stk_move_line_bytes(line, bytes, (size_t)sqlite3_column_bytes(stmt, at));
        return;
    }
    }
}

static void make_line(sqlite3_stmt *stmt, const struct stk_move_table *table,
                      struct stk_move_line *line)
{
    stk_move_line_begin(line);
    for (int at = 0; table->columns[at].to != NULL; at++) {
        add_cell(stmt, at, table->columns[at].kind, line);
    }
    stk_move_line_end(line);
}

enum stk_rc stk_dump_table(struct stk_dump *dump, const struct stk_move_table *table,
                           stk_dump_fn each, void *context, int64_t *ret_mended,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    STK_CLEANUP(stk_move_line_release) struct stk_move_line line = { .cells = 0 };
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    add_select(table, &sql);
    enum stk_rc rc = prepare(dump, table, &sql, &stmt, err);

    int code = SQLITE_DONE;
    while (rc == STK_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        make_line(stmt, table, &line);
        rc = each(context, &line, err);
    }
    if (rc == STK_OK && code != SQLITE_DONE) rc = fail(dump, table->name, err);
    *ret_mended = line.mended;
    return rc;
}
