/* SPDX-License-Identifier: MIT
 *
 * The rows of sessions and limits. There are few and each claim reads them, so
 * the writer keeps them in memory, changed along with the table; a rollback or
 * an undone savepoint makes it read again.
 */
#include "store/columns.h"
#include "store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- one row ------------------------------------------------------------- */

static void bind_column(sqlite3_stmt *stmt, int at, const struct stk_column *column,
                        const void *field)
{
    switch (column->kind) {
    case STK_COLUMN_TEXT: stk_sqlite_bind_text(stmt, at, field); break;
    case STK_COLUMN_NUMBER: (void)sqlite3_bind_int64(stmt, at, *(const int64_t *)field); break;
    case STK_COLUMN_TIME: stk_sqlite_bind_time(stmt, at, *(const stk_time_ns *)field); break;
    case STK_COLUMN_SMALL: (void)sqlite3_bind_int64(stmt, at, *(const uint32_t *)field); break;
    case STK_COLUMN_FLAG: (void)sqlite3_bind_int(stmt, at, *(const bool *)field ? 1 : 0); break;
    case STK_COLUMN_STATE:
        stk_sqlite_bind_text(stmt, at,
                             stk_session_state_name(*(const enum stk_session_state *)field));
        break;
    }
}

static void bind_row(sqlite3_stmt *stmt, const struct stk_columns *columns, const void *row)
{
    for (size_t i = 0; i < columns->count; i++) {
        bind_column(stmt, (int)i + 1, &columns->all[i], (const char *)row + columns->all[i].at);
    }
}

static void read_column(sqlite3_stmt *stmt, int at, const struct stk_column *column, void *field)
{
    switch (column->kind) {
    case STK_COLUMN_TEXT: stk_column_set_text(column, field, stk_sqlite_text(stmt, at)); break;
    case STK_COLUMN_NUMBER: *(int64_t *)field = sqlite3_column_int64(stmt, at); break;
    case STK_COLUMN_TIME: *(stk_time_ns *)field = stk_sqlite_time(stmt, at); break;
    case STK_COLUMN_SMALL: *(uint32_t *)field = (uint32_t)sqlite3_column_int64(stmt, at); break;
    case STK_COLUMN_FLAG: *(bool *)field = sqlite3_column_int(stmt, at) == 1; break;
    case STK_COLUMN_STATE: stk_column_set_state(field, stk_sqlite_text(stmt, at)); break;
    }
}

static void read_row(sqlite3_stmt *stmt, const struct stk_columns *columns, void *ret_row)
{
    for (size_t i = 0; i < columns->count; i++) {
        read_column(stmt, (int)i, &columns->all[i], (char *)ret_row + columns->all[i].at);
    }
}

/* --- in memory ----------------------------------------------------------- */

void stk_sqlite_gates_doubt(struct stk_sqlite *self)
{
    self->sessions.known = false;
    self->limits.known = false;
}

void stk_sqlite_gates_release(struct stk_sqlite *self)
{
    free(self->sessions.rows);
    free(self->limits.rows);
}

static enum stk_rc read_sessions(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SESSION_LIST];
    struct kept_sessions *kept = &self->sessions;
    kept->count = 0;
    kept->known = false;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the sessions", &row, err)) == STK_OK && row) {
        kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
        kept->rows[kept->count] = (struct stk_session){ 0 };
        read_row(stmt, &stk_session_columns, &kept->rows[kept->count++]);
    }
    kept->known = rc == STK_OK;
    return rc;
}

static enum stk_rc read_limits(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_LIMIT_LIST];
    struct kept_limits *kept = &self->limits;
    kept->count = 0;
    kept->known = false;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the limits", &row, err)) == STK_OK && row) {
        kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
        kept->rows[kept->count] = (struct stk_limit){ 0 };
        read_row(stmt, &stk_limit_columns, &kept->rows[kept->count++]);
    }
    kept->known = rc == STK_OK;
    return rc;
}

/* --- sessions ------------------------------------------------------------ */

enum stk_rc stk_sqlite_sessions(struct stk_store *store, const struct stk_session **ret,
                                size_t *ret_count, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    bool good = self->sessions.known && !self->read_only;
    enum stk_rc rc = good ? STK_OK : read_sessions(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->sessions.rows;
    *ret_count = self->sessions.count;
    return STK_OK;
}

static void keep_session(struct kept_sessions *kept, const struct stk_session *session)
{
    for (size_t i = 0; i < kept->count; i++) {
        if (strcmp(kept->rows[i].name, session->name) != 0) continue;
        if (&kept->rows[i] != session) kept->rows[i] = *session;
        return;
    }
    kept->known = false; /* new: its place is found by reading */
}

enum stk_rc stk_sqlite_session_set(struct stk_store *store, const struct stk_session *session,
                                   struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SESSION_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    bind_row(stmt, &stk_session_columns, session);
    rc = stk_sqlite_run(self, stmt, "write a session", err);
    if (rc == STK_OK) keep_session(&self->sessions, session);
    return rc;
}

static enum stk_rc fail_no_session(const char *name, struct stk_error *err)
{
    return stk_fail(err, STK_NOT_FOUND, "there is no session \"%s\"", name);
}

enum stk_rc stk_sqlite_session_secret(struct stk_store *store, const char *name,
                                      enum stk_session_secret which, struct stk_buf *ret_sealed,
                                      int64_t *ret_generation, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SESSION_SECRET];
    stk_sqlite_bind_text(stmt, 1, name);
    (void)sqlite3_bind_int(stmt, 2, which == STK_SESSION_CREDENTIAL ? 0 : 1);
    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "read a session's secret", &row, err);
    if (rc != STK_OK) return rc;
    if (!row) return fail_no_session(name, err);

    const void *sealed = sqlite3_column_blob(stmt, 0);
    stk_buf_clear(ret_sealed);
    if (sealed != NULL) stk_buf_add(ret_sealed, sealed, (size_t)sqlite3_column_bytes(stmt, 0));
    *ret_generation = sqlite3_column_int64(stmt, 1);
    return STK_OK;
}

enum stk_rc stk_sqlite_session_secret_set(struct stk_store *store, const char *name,
                                          enum stk_session_secret which, const void *sealed,
                                          size_t len, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SESSION_SECRET_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_sqlite_bind_text(stmt, 1, name);
    (void)sqlite3_bind_int(stmt, 2, which == STK_SESSION_CREDENTIAL ? 0 : 1);
    if (len > 0) (void)sqlite3_bind_blob64(stmt, 3, sealed, len, SQLITE_STATIC);
    rc = stk_sqlite_run(self, stmt, "write a session's secret", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    return fail_no_session(name, err);
}

/* --- limits -------------------------------------------------------------- */

enum stk_rc stk_sqlite_limits(struct stk_store *store, const struct stk_limit **ret,
                              size_t *ret_count, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    bool good = self->limits.known && !self->read_only;
    enum stk_rc rc = good ? STK_OK : read_limits(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->limits.rows;
    *ret_count = self->limits.count;
    return STK_OK;
}

static void keep_limit(struct kept_limits *kept, const struct stk_limit *limit)
{
    for (size_t i = 0; i < kept->count; i++) {
        if (strcmp(kept->rows[i].name, limit->name) != 0) continue;
        if (&kept->rows[i] != limit) kept->rows[i] = *limit;
        return;
    }
    kept->known = false;
}

enum stk_rc stk_sqlite_limit_set(struct stk_store *store, const struct stk_limit *limit,
                                 struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_LIMIT_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    bind_row(stmt, &stk_limit_columns, limit);
    rc = stk_sqlite_run(self, stmt, "write a limit", err);
    if (rc == STK_OK) keep_limit(&self->limits, limit);
    return rc;
}

enum stk_rc stk_sqlite_task_run_time(struct stk_store *store, const char *task,
                                     stk_time_ns *ret_mean, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TASK_RUN_TIME];
    stk_sqlite_bind_text(stmt, 1, task);
    return stk_sqlite_number(self, stmt, "read run times", 0, ret_mean, err);
}
