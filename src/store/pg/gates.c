/* SPDX-License-Identifier: MIT
 *
 * The rows of sessions and limits: few, and each claim reads them. They are read
 * once in each transaction, since others write them, too; outside of one, each
 * time.
 *
 * A session is written against the version that was read: who decided on an old
 * row is sent away and decides again. Limits are locked by reading them, so what
 * two pools take from one adds up.
 */
#include "store/columns.h"
#include "store/pg/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* --- one row ------------------------------------------------------------- */

/* The server takes no broken UTF-8; a text that was cut to its room may end so. */
static void arg_text(struct stk_pg *self, const char *text)
{
    size_t len = strlen(text);
    size_t good = 0;
    size_t step = 1;
    while (good < len && step > 0) {
        step = stk_utf8_step(text + good, len - good);
        good += step;
    }
    stk_pg_arg_text_len(self, text, good);
}

static void arg_column(struct stk_pg *self, const struct stk_column *column, const void *field)
{
    switch (column->kind) {
    case STK_COLUMN_TEXT: arg_text(self, field); break;
    case STK_COLUMN_NUMBER: stk_pg_arg_int(self, *(const int64_t *)field); break;
    case STK_COLUMN_TIME: stk_pg_arg_time(self, *(const stk_time_ns *)field); break;
    case STK_COLUMN_SMALL: stk_pg_arg_int(self, *(const uint32_t *)field); break;
    case STK_COLUMN_FLAG: stk_pg_arg_bool(self, *(const bool *)field); break;
    case STK_COLUMN_STATE:
        stk_pg_arg_text(self, stk_session_state_name(*(const enum stk_session_state *)field));
        break;
    }
}

static void arg_row(struct stk_pg *self, const struct stk_columns *columns, const void *row)
{
    for (size_t i = 0; i < columns->count; i++) {
        arg_column(self, &columns->all[i], (const char *)row + columns->all[i].at);
    }
}

static void read_column(const struct stk_pg_rows *rows, int row, int at,
                        const struct stk_column *column, void *field)
{
    switch (column->kind) {
    case STK_COLUMN_TEXT: stk_column_set_text(column, field, stk_pg_text(rows, row, at)); break;
    case STK_COLUMN_NUMBER: *(int64_t *)field = stk_pg_int(rows, row, at); break;
    case STK_COLUMN_TIME: *(stk_time_ns *)field = stk_pg_time(rows, row, at); break;
    case STK_COLUMN_SMALL: *(uint32_t *)field = (uint32_t)stk_pg_int(rows, row, at); break;
    case STK_COLUMN_FLAG: *(bool *)field = stk_pg_bool(rows, row, at); break;
    case STK_COLUMN_STATE: stk_column_set_state(field, stk_pg_text(rows, row, at)); break;
    }
}

static void read_row(const struct stk_pg_rows *rows, int row, const struct stk_columns *columns,
                     void *ret_row)
{
    for (size_t i = 0; i < columns->count; i++) {
        read_column(rows, row, (int)i, &columns->all[i], (char *)ret_row + columns->all[i].at);
    }
}

/* The schema refuses it, too, but its refusal would end the transaction. */
static enum stk_rc check_name(const char *what, const char *name, struct stk_error *err)
{
    if (*name != '\0') return STK_OK;
    return stk_fail(err, STK_CONFLICT, "a %s needs a name", what);
}

/* --- in memory ----------------------------------------------------------- */

void stk_pg_gates_doubt(struct stk_pg *self)
{
    self->sessions.known = false;
    self->limits.known = false;
}

void stk_pg_gates_release(struct stk_pg *self)
{
    free(self->sessions.rows);
    free(self->sessions.versions);
    free(self->limits.rows);
}

/* One place more, `at`. */
static void make_place_session(struct kept_sessions *kept, size_t at)
{
    size_t behind = kept->count - at;
    kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
    kept->versions = stk_realloc(kept->versions, kept->count + 1, sizeof(*kept->versions));
    memmove(&kept->rows[at + 1], &kept->rows[at], behind * sizeof(*kept->rows));
    memmove(&kept->versions[at + 1], &kept->versions[at], behind * sizeof(*kept->versions));
    kept->count++;
}

static void make_place_limit(struct kept_limits *kept, size_t at)
{
    size_t behind = kept->count - at;
    kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
    memmove(&kept->rows[at + 1], &kept->rows[at], behind * sizeof(*kept->rows));
    kept->count++;
}

static enum stk_rc read_sessions(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct kept_sessions *kept = &self->sessions;
    enum stk_rc rc = STK_OK;
    if (self->in_txn && kept->known) return STK_OK;
    kept->count = 0;
    rc = stk_pg_run(self, STMT_SESSION_LIST, "read the sessions", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        make_place_session(kept, (size_t)i);
        kept->rows[i] = (struct stk_session){ 0 };
        read_row(&rows, i, &stk_session_columns, &kept->rows[i]);
        kept->versions[i] = stk_pg_int(&rows, i, (int)stk_session_columns.count);
    }
    /* A reader begins no transaction that would tell it, and goes on for weeks. */
    if (rc == STK_OK && !self->in_txn && rows.count > 0) {
        stk_pg_clock_set(self, stk_pg_int(&rows, 0, (int)stk_session_columns.count + 1));
    }
    kept->known = rc == STK_OK;
    return rc;
}

static enum stk_rc read_limits(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct kept_limits *kept = &self->limits;
    enum stk_rc rc = STK_OK;
    if (self->in_txn && kept->known) return STK_OK;
    kept->count = 0;
    bool writes = self->in_txn && !self->read_only;
    rc =
        stk_pg_run(self, writes ? STMT_LIMIT_TAKE : STMT_LIMIT_LIST, "read the limits", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        make_place_limit(kept, (size_t)i);
        kept->rows[i] = (struct stk_limit){ 0 };
        read_row(&rows, i, &stk_limit_columns, &kept->rows[i]);
    }
    kept->known = rc == STK_OK;
    return rc;
}

/* --- sessions ------------------------------------------------------------ */

enum stk_rc stk_pg_sessions(struct stk_store *store, const struct stk_session **ret,
                            size_t *ret_count, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = read_sessions(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->sessions.rows;
    *ret_count = self->sessions.count;
    return STK_OK;
}

/* Its place in the order; *ret_there: it has it already. */
static size_t place_of_session(const struct kept_sessions *kept, const char *name, bool *ret_there)
{
    size_t at = 0;
    while (at < kept->count && strcmp(kept->rows[at].name, name) < 0) {
        at++;
    }
    *ret_there = at < kept->count && strcmp(kept->rows[at].name, name) == 0;
    return at;
}

/* `session` may be a row of those that are kept. */
static void keep_session(struct kept_sessions *kept, size_t at, bool is_there,
                         const struct stk_session *session)
{
    struct stk_session row = *session;
    if (!is_there) {
        make_place_session(kept, at);
        kept->versions[at] = 0;
    }
    kept->rows[at] = row;
    kept->versions[at]++;
}

enum stk_rc stk_pg_session_set(struct stk_store *store, const struct stk_session *session,
                               struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    struct stk_session row = *session; /* reading may move what it points to */
    bool is_there = false;
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = check_name("session", row.name, err);
    if (rc == STK_OK) rc = read_sessions(self, err);
    if (rc != STK_OK) return rc;

    size_t at = place_of_session(&self->sessions, row.name, &is_there);
    arg_row(self, &stk_session_columns, &row);
    if (is_there) stk_pg_arg_int(self, self->sessions.versions[at]);
    rc = stk_pg_change(self, is_there ? STMT_SESSION_CHANGE : STMT_SESSION_ADD, "write a session",
                       &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) {
        return stk_fail(err, STK_BUSY, "somebody else has just changed session \"%s\"", row.name);
    }
    keep_session(&self->sessions, at, is_there, &row);
    stk_pg_hint(self, STK_HINT_SESSIONS);
    return STK_OK;
}

static enum stk_rc fail_no_session(const char *name, struct stk_error *err)
{
    return stk_fail(err, STK_NOT_FOUND, "there is no session \"%s\"", name);
}

enum stk_rc stk_pg_session_secret(struct stk_store *store, const char *name,
                                  enum stk_session_secret which, struct stk_buf *ret_sealed,
                                  int64_t *ret_generation, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_text(self, name);
    stk_pg_arg_bool(self, which == STK_SESSION_CREDENTIAL);
    enum stk_rc rc = stk_pg_run(self, STMT_SESSION_SECRET, "read a session's secret", &rows, err);
    if (rc != STK_OK) return rc;
    if (rows.count == 0) return fail_no_session(name, err);

    const char *sealed = stk_pg_text(&rows, 0, 0);
    stk_buf_clear(ret_sealed);
    if (sealed != NULL) stk_buf_add(ret_sealed, sealed, stk_pg_len(&rows, 0, 0));
    *ret_generation = stk_pg_int(&rows, 0, 1);
    return STK_OK;
}

enum stk_rc stk_pg_session_secret_set(struct stk_store *store, const char *name,
                                      enum stk_session_secret which, const void *sealed, size_t len,
                                      struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_text(self, name);
    stk_pg_arg_bool(self, which == STK_SESSION_CREDENTIAL);
    stk_pg_arg_bytes(self, len > 0 ? sealed : NULL, len);
    rc = stk_pg_change(self, STMT_SESSION_SECRET_SET, "write a session's secret", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return fail_no_session(name, err);
    stk_pg_hint(self, STK_HINT_SESSIONS);
    return STK_OK;
}

/* --- limits -------------------------------------------------------------- */

enum stk_rc stk_pg_limits(struct stk_store *store, const struct stk_limit **ret, size_t *ret_count,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = read_limits(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->limits.rows;
    *ret_count = self->limits.count;
    return STK_OK;
}

static size_t place_of_limit(const struct kept_limits *kept, const char *name, bool *ret_there)
{
    size_t at = 0;
    while (at < kept->count && strcmp(kept->rows[at].name, name) < 0) {
        at++;
    }
    *ret_there = at < kept->count && strcmp(kept->rows[at].name, name) == 0;
    return at;
}

/* A row that is kept is locked, so its change needs no answer; a first one may
 * have been made by somebody else meanwhile. */
static enum stk_rc write_limit(struct stk_pg *self, const struct stk_limit *row, bool is_there,
                               struct stk_error *err)
{
    int64_t changed = 0;
    arg_row(self, &stk_limit_columns, row);
    if (is_there) return stk_pg_send(self, STMT_LIMIT_SET, "write a limit", NULL, NULL, err);
    enum stk_rc rc = stk_pg_change(self, STMT_LIMIT_ADD, "write a limit", &changed, err);
    if (rc != STK_OK || changed == 1) return rc;
    return stk_fail(err, STK_BUSY, "somebody else has just changed limit \"%s\"", row->name);
}

enum stk_rc stk_pg_limit_set(struct stk_store *store, const struct stk_limit *limit,
                             struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    struct stk_limit row = *limit; /* reading may move what it points to */
    bool is_there = false;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = check_name("limit", row.name, err);
    if (rc == STK_OK) rc = read_limits(self, err);
    if (rc != STK_OK) return rc;

    size_t at = place_of_limit(&self->limits, row.name, &is_there);
    rc = write_limit(self, &row, is_there, err);
    if (rc != STK_OK) return rc;
    if (!is_there) make_place_limit(&self->limits, at);
    self->limits.rows[at] = row;
    return STK_OK;
}
