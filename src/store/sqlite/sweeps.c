/* SPDX-License-Identifier: MIT
 *
 * Sweeps. A sweep has ended when all its points are in and none of its jobs is
 * pending or running; when the last one ended is written with the counters.
 */
#include "store/sqlite/sqlite.h"

enum stk_rc stk_sqlite_sweep_new(struct stk_store *store, const char *name, int64_t task_id,
                                 const char *spec, int64_t points, stk_time_ns now, int64_t *ret_id,
                                 struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_ADD];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, task_id);
    stk_sqlite_bind_text(stmt, 2, name);
    (void)sqlite3_bind_int64(stmt, 3, points);
    (void)sqlite3_bind_int64(stmt, 4, now);
    stk_sqlite_bind_text(stmt, 5, spec);
    rc = stk_sqlite_run(self, stmt, "make a sweep", err);
    if (rc == STK_OK) *ret_id = sqlite3_last_insert_rowid(self->db);
    return rc;
}

enum stk_rc stk_sqlite_sweep_set(struct stk_store *store, int64_t id, const char *spec,
                                 int64_t points, bool filled, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    stk_sqlite_bind_text(stmt, 2, spec);
    (void)sqlite3_bind_int64(stmt, 3, points);
    (void)sqlite3_bind_int(stmt, 4, filled ? 1 : 0);
    rc = stk_sqlite_run(self, stmt, "change a sweep", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no sweep %lld", (long long)id);
}

static enum stk_rc hand_out(struct stk_sqlite *self, int64_t id, stk_sweep_fn each, void *context,
                            struct stk_error *err)
{
    struct stk_counts counts = { 0 };
    enum stk_rc rc = stk_sqlite_counts(&self->base, id, &counts, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_GET];
    (void)sqlite3_bind_int64(stmt, 1, id);
    bool row = false;
    rc = stk_sqlite_next(self, stmt, "read a sweep", &row, err);
    if (rc != STK_OK) return rc;
    if (!row) return stk_fail(err, STK_NOT_FOUND, "there is no sweep %lld", (long long)id);

    bool filled = sqlite3_column_int(stmt, 5) == 1;
    bool ended = filled && counts.of[STK_STATE_PENDING] + counts.of[STK_STATE_RUNNING] == 0;
    struct stk_sweep sweep = {
        .id = sqlite3_column_int64(stmt, 0),
        .name = stk_sqlite_text(stmt, 1),
        .task = stk_sqlite_text(stmt, 2),
        .spec = stk_sqlite_text(stmt, 3),
        .points = sqlite3_column_int64(stmt, 4),
        .filled = filled,
        .created_at = sqlite3_column_int64(stmt, 6),
        .finished_at = ended ? stk_sqlite_time(stmt, 7) : STK_NEVER,
        .counts = counts,
    };
    each(context, &sweep);
    return STK_OK;
}

static enum stk_rc list_ids(struct stk_sqlite *self, int64_t before_id, size_t limit,
                            int64_t ids[STK_PAGE_MAX], size_t *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_LIST];
    (void)sqlite3_bind_int64(stmt, 1, before_id != 0 ? before_id : INT64_MAX);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));

    size_t count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "list the sweeps", &row, err)) == STK_OK && row) {
        ids[count++] = sqlite3_column_int64(stmt, 0);
    }
    if (rc == STK_OK) *ret_count = count;
    return rc;
}

enum stk_rc stk_sqlite_sweeps(struct stk_store *store, int64_t id, int64_t before_id, size_t limit,
                              stk_sweep_fn each, void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_read_endp) struct read_txn txn = READ_TXN_INIT;
    enum stk_rc rc = stk_sqlite_read_begin(self, &txn, err);
    if (rc != STK_OK) return rc;
    if (id != 0) return hand_out(self, id, each, context, err);

    int64_t ids[STK_PAGE_MAX];
    size_t count = 0;
    rc = list_ids(self, before_id, limit, ids, &count, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        rc = hand_out(self, ids[i], each, context, err);
    }
    return rc;
}

enum stk_rc stk_sqlite_unfilled_sweep(struct stk_store *store, int64_t after_id, int64_t *ret_id,
                                      struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_UNFILLED];
    int64_t id = 0;
    (void)sqlite3_bind_int64(stmt, 1, after_id);
    enum stk_rc rc = stk_sqlite_number(self, stmt, "find a sweep to fill", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "every sweep is filled");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

enum stk_rc stk_sqlite_last_sweep(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    int64_t id = 0;
    enum stk_rc rc =
        stk_sqlite_number(self, self->stmts[STMT_SWEEP_LAST], "find the last sweep", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "there is no sweep yet");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}
