/* SPDX-License-Identifier: MIT */
#include "store/move/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/pg/pg.h"

struct stk_load {
    const struct stk_pq *pq;
    PGconn *conn;
    const char *table; /* under way */
};

enum stk_rc stk_load_open(const char *url, struct stk_load **ret, struct stk_error *err)
{
    const struct stk_pq *pq = NULL;
    PGconn *conn = NULL;
    enum stk_rc rc = stk_pq_load(&pq, err);
    if (rc == STK_OK) rc = stk_pg_connect(pq, url, "stoker move", NULL, &conn, err);
    if (rc != STK_OK) return rc;
    struct stk_load *load = stk_alloc(sizeof(*load));
    *load = (struct stk_load){ .pq = pq, .conn = conn };
    *ret = load;
    return STK_OK;
}

void stk_load_closep(struct stk_load **load)
{
    if (*load == NULL) return;
    load[0]->pq->PQfinish(load[0]->conn);
    free(*load);
    *load = NULL;
}

/* --- statements ------------------------------------------------------------------ */

static enum stk_rc fail(struct stk_load *load, const char *what, struct stk_error *err)
{
    const char *text = load->pq->PQerrorMessage(load->conn);
    return stk_fail(err, STK_UNAVAILABLE, "could not %s in the target, nothing was moved: %.*s",
                    what, (int)strcspn(text, "\n"), text);
}

/* *ret, when it is wanted: the first cell, or NULL; free() ends it. */
static enum stk_rc run(struct stk_load *load, const char *sql, const char *what,
                       ExecStatusType wanted, char **ret, struct stk_error *err)
{
    PGresult *result = load->pq->PQexec(load->conn, sql);
    bool is_well = load->pq->PQresultStatus(result) == wanted;
    if (is_well && ret != NULL && load->pq->PQntuples(result) > 0) {
        *ret = stk_strdup(load->pq->PQgetvalue(result, 0, 0));
    }
    load->pq->PQclear(result);
    return is_well ? STK_OK : fail(load, what, err);
}

/* Waits a little: a vacuum gives way. */
static enum stk_rc take_tables(struct stk_load *load, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    const struct stk_move_table *tables = NULL;
    size_t count = stk_move_tables(&tables);
    stk_buf_adds(&sql, "LOCK TABLE ");
    for (size_t i = 0; i < count; i++) {
        stk_buf_addf(&sql, "%sstoker.%s", i > 0 ? ", " : "", tables[i].name);
    }
    stk_buf_adds(&sql, " IN SHARE ROW EXCLUSIVE MODE");
    if (run(load, stk_buf_str(&sql), "lock the tables", PGRES_COMMAND_OK, NULL, NULL) == STK_OK) {
        return STK_OK;
    }
    return stk_fail(err, STK_CONFLICT, "somebody works on the target: stop its pools first (%.*s)",
                    (int)strcspn(load->pq->PQerrorMessage(load->conn), "\n"),
                    load->pq->PQerrorMessage(load->conn));
}

static enum stk_rc drop_born_with(struct stk_load *load, const struct stk_move_table *table,
                                  struct stk_error *err)
{
    if (table->born_with == NULL) return STK_OK;
    STK_CLEANUP(stk_freep)
    char *sql = stk_format("DELETE FROM stoker.%s WHERE %s", table->name, table->born_with);
    return run(load, sql, "begin", PGRES_COMMAND_OK, NULL, err);
}

static enum stk_rc must_be_empty(struct stk_load *load, const struct stk_move_table *table,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *sql = stk_format("SELECT count(*) FROM stoker.%s", table->name);
    STK_CLEANUP(stk_freep) char *rows = NULL;
    enum stk_rc rc = run(load, sql, "count the rows", PGRES_TUPLES_OK, &rows, err);
    const char *count = rows != NULL ? rows : "0";
    if (rc != STK_OK || strcmp(count, "0") == 0) return rc;
    return stk_fail(err, STK_CONFLICT,
                    "the target is not empty: %s row%s in %s; a store moves into a new database "
                    "(createdb) only, and only once",
                    count, strcmp(count, "1") == 0 ? "" : "s", table->name);
}

enum stk_rc stk_load_begin(struct stk_load *load, struct stk_error *err)
{
    static const char *const begin[] = { "BEGIN", "SET LOCAL statement_timeout = 0",
                                         "SET LOCAL idle_in_transaction_session_timeout = 0",
                                         "SET LOCAL lock_timeout = '5s'",
                                         "SET LOCAL bytea_output = hex" };
    const struct stk_move_table *tables = NULL;
    size_t count = stk_move_tables(&tables);
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < STK_ARRAY_LEN(begin); i++) {
        rc = run(load, begin[i], "begin", PGRES_COMMAND_OK, NULL, err);
    }
    if (rc == STK_OK) rc = take_tables(load, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        rc = drop_born_with(load, &tables[i], err);
        if (rc == STK_OK) rc = must_be_empty(load, &tables[i], err);
    }
    return rc;
}

/* --- in ---------------------------------------------------------------------------- */

enum stk_rc stk_load_table(struct stk_load *load, const struct stk_move_table *table,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    load->table = table->name;
    stk_buf_addf(&sql, "COPY stoker.%s (", table->name);
    for (const struct stk_move_column *column = table->columns; column->to != NULL; column++) {
        stk_buf_addf(&sql, "%s%s", column > table->columns ? ", " : "", column->to);
    }
    stk_buf_adds(&sql, ") FROM STDIN");
    return run(load, stk_buf_str(&sql), "copy rows", PGRES_COPY_IN, NULL, err);
}

enum stk_rc stk_load_line(struct stk_load *load, const struct stk_move_line *line,
                          struct stk_error *err)
{
    int sent = load->pq->PQputCopyData(load->conn, line->sent.data, (int)line->sent.len);
    return sent == 1 ? STK_OK : fail(load, "copy a row", err);
}

enum stk_rc stk_load_table_end(struct stk_load *load, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *what = stk_format("copy the rows of %s", load->table);
    if (load->pq->PQputCopyEnd(load->conn, NULL) != 1) return fail(load, what, err);
    bool is_well = true;
    for (PGresult *result = load->pq->PQgetResult(load->conn); result != NULL;
         result = load->pq->PQgetResult(load->conn)) {
        is_well = is_well && load->pq->PQresultStatus(result) == PGRES_COMMAND_OK;
        load->pq->PQclear(result);
    }
    return is_well ? STK_OK : fail(load, what, err);
}

/* --- and back ------------------------------------------------------------------------ */

static void add_shown(const struct stk_move_column *column, struct stk_buf *sql)
{
    /* clang-format off */
    static const char *const shown[] = {
        [STK_MOVE_NUMBER] = "%s", [STK_MOVE_FLAG] = "%s::integer", [STK_MOVE_TEXT] = "%s::text",
        [STK_MOVE_BYTES] = "%s",  [STK_MOVE_REAL] = "encode(float8send(%s), 'hex')",
    };
    /* clang-format on */
    const char *mark = strstr(shown[column->kind], "%s");
    stk_buf_add(sql, shown[column->kind], (size_t)(mark - shown[column->kind]));
    stk_buf_adds(sql, column->to);
    stk_buf_adds(sql, mark + 2);
}

static void add_select(const struct stk_move_table *table, struct stk_buf *sql)
{
    stk_buf_adds(sql, "COPY (SELECT ");
    for (const struct stk_move_column *column = table->columns; column->to != NULL; column++) {
        if (column > table->columns) stk_buf_adds(sql, ", ");
        add_shown(column, sql);
    }
    stk_buf_addf(sql, " FROM stoker.%s ORDER BY %s%s) TO STDOUT", table->name, table->key,
                 table->columns[0].kind == STK_MOVE_TEXT ? " COLLATE \"C\"" : "");
}

static enum stk_rc read_back(struct stk_load *load, struct stk_move_sum *sum, struct stk_error *err)
{
    char *line = NULL;
    int len = 0;
    while ((len = load->pq->PQgetCopyData(load->conn, &line, 0)) > 0) {
        stk_move_sum_add(sum, line, (size_t)len);
        load->pq->PQfreemem(line);
    }
    bool is_well = len == -1;
    for (PGresult *result = load->pq->PQgetResult(load->conn); result != NULL;
         result = load->pq->PQgetResult(load->conn)) {
        is_well = is_well && load->pq->PQresultStatus(result) == PGRES_COMMAND_OK;
        load->pq->PQclear(result);
    }
    return is_well ? STK_OK : fail(load, "read the rows back", err);
}

static enum stk_rc set_sequence(struct stk_load *load, const struct stk_move_table *table,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    if (!table->has_ids) return STK_OK;
    stk_buf_adds(&sql, "SELECT setval(");
    if (table->sequence != NULL) stk_buf_addf(&sql, "'%s'", table->sequence);
    if (table->sequence == NULL) {
        stk_buf_addf(&sql, "pg_get_serial_sequence('stoker.%s', 'id')", table->name);
    }
    stk_buf_addf(&sql, ", max(id)) FROM stoker.%s HAVING max(id) IS NOT NULL", table->name);
    return run(load, stk_buf_str(&sql), "set the next id", PGRES_TUPLES_OK, NULL, err);
}

enum stk_rc stk_load_check(struct stk_load *load, const struct stk_move_table *table,
                           struct stk_move_sum *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    add_select(table, &sql);
    stk_move_sum_begin(ret);
    enum stk_rc rc = run(load, stk_buf_str(&sql), "read the rows back", PGRES_COPY_OUT, NULL, err);
    if (rc == STK_OK) rc = read_back(load, ret, err);
    stk_move_sum_end(ret);
    return rc == STK_OK ? set_sequence(load, table, err) : rc;
}

enum stk_rc stk_load_commit(struct stk_load *load, struct stk_error *err)
{
    if (run(load, "COMMIT", "commit", PGRES_COMMAND_OK, NULL, NULL) == STK_OK) return STK_OK;
    const char *text = load->pq->PQerrorMessage(load->conn);
    return stk_fail(err, STK_UNAVAILABLE,
                    "the answer to the commit was lost: look at the target with stoker status; if "
                    "it is empty, move again (%.*s)",
                    (int)strcspn(text, "\n"), text);
}
