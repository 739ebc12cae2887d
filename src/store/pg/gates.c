/* SPDX-License-Identifier: MIT
 *
 * The rows of sessions and limits, read once in each transaction that asks for
 * them. Two that write the same session: the second is refused by the row's
 * version and comes again. Limits are locked as they are read, since those who
 * ask for one mostly take something of it.
 *
 * Each struct is described once, column by column in the order of its
 * statements: binding and reading walk that table.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum kind { TEXT, NUMBER, TIME, SMALL, FLAG, STATE };
struct column {
    enum kind kind;
    size_t at, size; /* in the struct */
};
#define COLUMN(type, kind, name)                                            \
    {                                                                       \
        kind, offsetof(struct type, name), sizeof(((struct type *)0)->name) \
    }

#define SESSION(kind, name) COLUMN(stk_session, kind, name)
static const struct column session_columns[] = {
    SESSION(TEXT, name),
    SESSION(STATE, state),
    SESSION(STATE, resume_state),
    SESSION(NUMBER, generation),
    SESSION(TIME, issued_at),
    SESSION(TIME, expires_at),
    SESSION(TIME, deadline_at),
    SESSION(TIME, changed_at),
    SESSION(TIME, closed_at),
    SESSION(TEXT, reason),
    SESSION(TEXT, renewed_by),
    SESSION(TIME, renewed_at),
    SESSION(NUMBER, renew_tried),
    SESSION(SMALL, tries),
    SESSION(TIME, try_at),
    SESSION(TIME, checked_at),
    SESSION(TEXT, link),
    SESSION(TEXT, code),
    SESSION(TIME, challenge_at),
    SESSION(TIME, challenge_until),
    SESSION(NUMBER, poll_every_ns),
    SESSION(SMALL, challenges),
    SESSION(TIME, ready_at),
    SESSION(TIME, blocked_until),
    SESSION(SMALL, blocks),
    SESSION(TEXT, wish),
    SESSION(TEXT, wish_by),
    SESSION(TIME, wish_at),
    SESSION(NUMBER, epoch),
    SESSION(TEXT, keeper),
    SESSION(TIME, lease_until),
    SESSION(FLAG, block_unknown),
};

#define LIMIT(kind, name) COLUMN(stk_limit, kind, name)
static const struct column limit_columns[] = {
    LIMIT(TEXT, name),
    LIMIT(NUMBER, tat),
    LIMIT(NUMBER, interval_ns),
    LIMIT(NUMBER, interval_at),
    LIMIT(NUMBER, turn_at),
    LIMIT(NUMBER, blocked_until),
    LIMIT(TEXT, reason),
    LIMIT(NUMBER, episode),
    LIMIT(NUMBER, episode_at),
    LIMIT(SMALL, strikes),
    LIMIT(FLAG, half_open),
    LIMIT(SMALL, errors),
    LIMIT(NUMBER, errors_since),
    LIMIT(SMALL, cap_learned),
    LIMIT(NUMBER, cap_until),
    LIMIT(NUMBER, cap_probe_at),
    LIMIT(NUMBER, window_from),
    LIMIT(NUMBER, used),
    LIMIT(NUMBER, set_per_window),
    LIMIT(NUMBER, set_concurrency),
    LIMIT(TEXT, set_by),
    LIMIT(NUMBER, changed_at),
};

/* --- one row ------------------------------------------------------------- */

static void arg_column(struct stk_pg *self, const struct column *column, const void *field)
{
    switch (column->kind) {
    case TEXT: stk_pg_arg_text(self, field); break;
    case NUMBER: stk_pg_arg_int(self, *(const int64_t *)field); break;
    case TIME: stk_pg_arg_time(self, *(const stk_time_ns *)field); break;
    case SMALL: stk_pg_arg_int(self, *(const uint32_t *)field); break;
    case FLAG: stk_pg_arg_bool(self, *(const bool *)field); break;
    case STATE:
        stk_pg_arg_text(self, stk_session_state_name(*(const enum stk_session_state *)field));
        break;
    }
}

static void arg_row(struct stk_pg *self, const struct column *columns, size_t count,
                    const void *row)
{
    for (size_t i = 0; i < count; i++) {
        arg_column(self, &columns[i], (const char *)row + columns[i].at);
    }
}

/* What does not fit was not written by stk_store_*_set; it is cut. */
static void read_text(const char *text, char *ret, size_t size)
{
    size_t len = text != NULL ? strnlen(text, size - 1) : 0;
    if (len > 0) memcpy(ret, text, len);
    ret[len] = '\0';
}

static enum stk_session_state read_state(const char *name)
{
    enum stk_session_state state = STK_SESSION_NONE;
    bool known = stk_session_state_from_name(name, &state);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return state;
}

static void read_column(const struct stk_pg_rows *rows, int row, int at,
                        const struct column *column, void *field)
{
    switch (column->kind) {
    case TEXT: read_text(stk_pg_text(rows, row, at), field, column->size); break;
    case NUMBER: *(int64_t *)field = stk_pg_int(rows, row, at); break;
    case TIME: *(stk_time_ns *)field = stk_pg_time(rows, row, at); break;
    case SMALL: *(uint32_t *)field = (uint32_t)stk_pg_int(rows, row, at); break;
    case FLAG: *(bool *)field = stk_pg_bool(rows, row, at); break;
    case STATE: *(enum stk_session_state *)field = read_state(stk_pg_text(rows, row, at)); break;
    }
}

static void read_row(const struct stk_pg_rows *rows, int row, const struct column *columns,
                     size_t count, void *ret_row)
{
    for (size_t i = 0; i < count; i++) {
        read_column(rows, row, (int)i, &columns[i], (char *)ret_row + columns[i].at);
    }
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

static bool is_writing(const struct stk_pg *self)
{
    return self->in_txn && !self->read_only;
}

static enum stk_rc read_sessions(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct kept_sessions *kept = &self->sessions;
    enum stk_rc rc = stk_pg_run(self, STMT_SESSION_LIST, "read the sessions", &rows, err);
    if (rc != STK_OK) return rc;
    kept->count = (size_t)rows.count;
    kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
    kept->versions = stk_realloc(kept->versions, kept->count + 1, sizeof(*kept->versions));
    for (int i = 0; i < rows.count; i++) {
        kept->rows[i] = (struct stk_session){ 0 };
        read_row(&rows, i, session_columns, STK_ARRAY_LEN(session_columns), &kept->rows[i]);
        kept->versions[i] = stk_pg_int(&rows, i, (int)STK_ARRAY_LEN(session_columns));
    }
    kept->known = is_writing(self);
    return STK_OK;
}

static enum stk_rc read_limits(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct kept_limits *kept = &self->limits;
    enum stmt stmt = is_writing(self) ? STMT_LIMIT_TAKE : STMT_LIMIT_LIST;
    enum stk_rc rc = stk_pg_run(self, stmt, "read the limits", &rows, err);
    if (rc != STK_OK) return rc;
    kept->count = (size_t)rows.count;
    kept->rows = stk_realloc(kept->rows, kept->count + 1, sizeof(*kept->rows));
    for (int i = 0; i < rows.count; i++) {
        kept->rows[i] = (struct stk_limit){ 0 };
        read_row(&rows, i, limit_columns, STK_ARRAY_LEN(limit_columns), &kept->rows[i]);
    }
    kept->known = is_writing(self);
    return STK_OK;
}

/* --- sessions ------------------------------------------------------------ */

enum stk_rc stk_pg_sessions(struct stk_store *store, const struct stk_session **ret,
                            size_t *ret_count, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = self->sessions.known ? STK_OK : read_sessions(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->sessions.rows;
    *ret_count = self->sessions.count;
    return STK_OK;
}

/* 0: there was no such row. */
static int64_t *version_of(struct stk_pg *self, const char *name, size_t *ret_at)
{
    for (size_t i = 0; i < self->sessions.count; i++) {
        *ret_at = i;
        if (strcmp(self->sessions.rows[i].name, name) == 0) return &self->sessions.versions[i];
    }
    return NULL;
}

enum stk_rc stk_pg_session_set(struct stk_store *store, const struct stk_session *session,
                               struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    size_t at = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK && session->name[0] == '\0') {
        rc = stk_fail(err, STK_CONFLICT, "a session must have a name");
    }
    if (rc == STK_OK && !self->sessions.known) rc = read_sessions(self, err);
    if (rc != STK_OK) return rc;

    int64_t *version = version_of(self, session->name, &at);
    arg_row(self, session_columns, STK_ARRAY_LEN(session_columns), session);
    stk_pg_arg_int(self, version != NULL ? *version : 0);
    rc = stk_pg_change(self, version != NULL ? STMT_SESSION_CHANGE : STMT_SESSION_ADD,
                       "write a session", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) {
        return stk_fail(err, STK_BUSY, "somebody else has just changed the session \"%s\"",
                        session->name);
    }
    stk_pg_hint(self, STK_HINT_SESSIONS);
    if (version == NULL) {
        self->sessions.known = false; /* new: its place is found by reading */
        return STK_OK;
    }
    if (&self->sessions.rows[at] != session) self->sessions.rows[at] = *session;
    ++*version;
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
    if (rc == STK_OK) stk_pg_hint(self, STK_HINT_SESSIONS);
    if (rc != STK_OK || changed == 1) return rc;
    return fail_no_session(name, err);
}

/* --- limits -------------------------------------------------------------- */

enum stk_rc stk_pg_limits(struct stk_store *store, const struct stk_limit **ret, size_t *ret_count,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = self->limits.known ? STK_OK : read_limits(self, err);
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

enum stk_rc stk_pg_limit_set(struct stk_store *store, const struct stk_limit *limit,
                             struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    arg_row(self, limit_columns, STK_ARRAY_LEN(limit_columns), limit);
    rc = stk_pg_run(self, STMT_LIMIT_SET, "write a limit", NULL, err);
    if (rc == STK_OK) keep_limit(&self->limits, limit);
    return rc;
}
