/* SPDX-License-Identifier: MIT
 *
 * Notices: what is to be said to people, each thing once. A key stays for ever;
 * delivery is tried until a channel is served or given up.
 */
#include "store/sqlite/sqlite.h"

enum stk_rc stk_sqlite_notice_add(struct stk_store *store, const struct stk_notice *notice,
                                  stk_time_ns now, bool *ret_fresh, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_NOTICE_ADD];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, now);
    stk_sqlite_bind_text(stmt, 2, notice->event);
    stk_sqlite_bind_text(stmt, 3, notice->subject);
    stk_sqlite_bind_text(stmt, 4, notice->key);
    stk_sqlite_bind_text(stmt, 5, notice->text);
    stk_sqlite_bind_text(stmt, 6, notice->facts != NULL ? notice->facts : "{}");
    stk_sqlite_bind_time(stmt, 7, notice->next_at);
    stk_sqlite_bind_text(stmt, 8, notice->left != NULL ? notice->left : "[]");
    rc = stk_sqlite_run(self, stmt, "add a notice", err);
    if (rc == STK_OK) *ret_fresh = sqlite3_changes(self->db) == 1;
    return rc;
}

static struct stk_notice notice_of(sqlite3_stmt *stmt)
{
    return (struct stk_notice){
        .id = sqlite3_column_int64(stmt, 0),
        .at = sqlite3_column_int64(stmt, 1),
        .event = stk_sqlite_text(stmt, 2),
        .subject = stk_sqlite_text(stmt, 3),
        .key = stk_sqlite_text(stmt, 4),
        .text = stk_sqlite_text(stmt, 5),
        .facts = stk_sqlite_text(stmt, 6),
        .tries = (uint32_t)sqlite3_column_int64(stmt, 7),
        .next_at = stk_sqlite_time(stmt, 8),
        .left = stk_sqlite_text(stmt, 9),
    };
}

enum stk_rc stk_sqlite_notices_due(struct stk_store *store, stk_time_ns now, size_t limit,
                                   stk_notice_fn each, void *context, stk_time_ns *ret_next,
                                   struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_NOTICE_DUE];
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *after = self->stmts[STMT_NOTICE_NEXT];
    size_t most = limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX;
    (void)sqlite3_bind_int64(stmt, 1, now);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)most);

    size_t count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the notices", &row, err)) == STK_OK && row) {
        struct stk_notice notice = notice_of(stmt);
        each(context, &notice);
        count++;
    }
    if (rc != STK_OK) return rc;
    if (count == most) { /* there may be more of them */
        *ret_next = now;
        return STK_OK;
    }
    (void)sqlite3_bind_int64(after, 1, now);
    return stk_sqlite_number(self, after, "read the notices", STK_NEVER, ret_next, err);
}

enum stk_rc stk_sqlite_notice_tried(struct stk_store *store, int64_t id, const char *left,
                                    stk_time_ns next_at, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_NOTICE_TRIED];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    stk_sqlite_bind_text(stmt, 2, left != NULL ? left : "[]");
    stk_sqlite_bind_time(stmt, 3, next_at);
    rc = stk_sqlite_run(self, stmt, "note the delivery of a notice", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no notice %lld", (long long)id);
}
