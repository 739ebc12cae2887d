/* SPDX-License-Identifier: MIT
 *
 * The audit log: a chain of hashes. Each row's hash covers the hash before it
 * and all its own columns, each with its length in front, so that no text can
 * pass for a part of its neighbour. The schema's triggers refuse to change it;
 * the chain tells when somebody has gone round them. It cannot tell that the
 * newest rows were cut off: for that, keep a copy of the last hash elsewhere.
 */
#include "store/sqlite/sqlite.h"

#include "store/chain.h"

static struct stk_audit audit_of(sqlite3_stmt *stmt)
{
    return (struct stk_audit){
        .id = sqlite3_column_int64(stmt, 0),
        .at = sqlite3_column_int64(stmt, 1),
        .actor = stk_sqlite_text(stmt, 2),
        .action = stk_sqlite_text(stmt, 3),
        .subject = stk_sqlite_text(stmt, 4),
        .reason = stk_sqlite_text(stmt, 5),
    };
}

/* --- adding -------------------------------------------------------------- */

static enum stk_rc find_last(struct stk_sqlite *self, struct stk_chain_link *ret,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_AUDIT_LAST];
    *ret = (struct stk_chain_link){ 0 };
    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "read the audit log", &row, err);
    if (rc != STK_OK || !row) return rc;
    (void)stk_chain_set(ret, sqlite3_column_int64(stmt, 0), sqlite3_column_blob(stmt, 1),
                        (size_t)sqlite3_column_bytes(stmt, 1)); /* a CHECK says that it is one */
    return STK_OK;
}

enum stk_rc stk_sqlite_audit_add(struct stk_store *store, const struct stk_audit *audit,
                                 stk_time_ns now, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_AUDIT_ADD];
    struct stk_chain_link last;
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = find_last(self, &last, err);
    if (rc != STK_OK) return rc;

    struct stk_audit row = *audit;
    row.at = now;
    struct stk_chain_link link = stk_chain_follow(&last, &row);

    (void)sqlite3_bind_int64(stmt, 1, row.id);
    (void)sqlite3_bind_int64(stmt, 2, row.at);
    stk_sqlite_bind_text(stmt, 3, row.actor);
    stk_sqlite_bind_text(stmt, 4, row.action);
    stk_sqlite_bind_text(stmt, 5, row.subject);
    stk_sqlite_bind_text(stmt, 6, row.reason);
    (void)sqlite3_bind_blob(stmt, 7, last.hash, STK_CHAIN_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(stmt, 8, link.hash, STK_CHAIN_BYTES, SQLITE_STATIC);
    return stk_sqlite_run(self, stmt, "write to the audit log", err);
}

/* --- reading ------------------------------------------------------------- */

enum stk_rc stk_sqlite_audits(struct stk_store *store, int64_t before_id, size_t limit,
                              stk_audit_fn each, void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_AUDIT_LIST];
    (void)sqlite3_bind_int64(stmt, 1, before_id != 0 ? before_id : INT64_MAX);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));

    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the audit log", &row, err)) == STK_OK && row) {
        struct stk_audit audit = audit_of(stmt);
        each(context, &audit);
    }
    return rc;
}

static struct stk_chain_row row_of(sqlite3_stmt *stmt)
{
    return (struct stk_chain_row){
        .audit = audit_of(stmt),
        .prev = sqlite3_column_blob(stmt, 6),
        .prev_len = (size_t)sqlite3_column_bytes(stmt, 6),
        .hash = sqlite3_column_blob(stmt, 7),
        .hash_len = (size_t)sqlite3_column_bytes(stmt, 7),
    };
}

enum stk_rc stk_sqlite_audit_verify(struct stk_store *store, int64_t *ret_rows,
                                    struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_AUDIT_WALK];
    struct stk_chain_link link = { 0 };
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "verify the audit log", &row, err)) == STK_OK && row) {
        struct stk_chain_row next = row_of(stmt);
        rc = stk_chain_check(&link, &next, err);
        if (rc != STK_OK) return rc;
    }
    if (rc == STK_OK) *ret_rows = link.id;
    return rc;
}
