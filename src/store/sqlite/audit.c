/* SPDX-License-Identifier: MIT
 *
 * The audit log: a chain of hashes. Each row's hash covers the hash before it
 * and all its own columns, each with its length in front, so that no text can
 * pass for a part of its neighbour. The schema's triggers refuse to change it;
 * the chain tells when somebody has gone round them. It cannot tell that the
 * newest rows were cut off: for that, keep a copy of the last hash elsewhere.
 */
#include "store/sqlite/sqlite.h"

#include <string.h>

#include "store/chain.h"

/* False: the column is no hash. */
static bool read_hash(sqlite3_stmt *stmt, int column, unsigned char ret_hash[STK_CHAIN_BYTES])
{
    const void *hash = sqlite3_column_blob(stmt, column);
    if (hash == NULL || sqlite3_column_bytes(stmt, column) != STK_CHAIN_BYTES) return false;
    memcpy(ret_hash, hash, STK_CHAIN_BYTES);
    return true;
}

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
    ret->id = sqlite3_column_int64(stmt, 0);
    (void)read_hash(stmt, 1, ret->hash); /* a CHECK says that it is one */
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
    unsigned char hash[STK_CHAIN_BYTES];
    row.id = last.id + 1;
    row.at = now;
    stk_chain_hash(&last, &row, hash);

    (void)sqlite3_bind_int64(stmt, 1, row.id);
    (void)sqlite3_bind_int64(stmt, 2, row.at);
    stk_sqlite_bind_text(stmt, 3, row.actor);
    stk_sqlite_bind_text(stmt, 4, row.action);
    stk_sqlite_bind_text(stmt, 5, row.subject);
    stk_sqlite_bind_text(stmt, 6, row.reason);
    (void)sqlite3_bind_blob(stmt, 7, last.hash, STK_CHAIN_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(stmt, 8, hash, STK_CHAIN_BYTES, SQLITE_STATIC);
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

/* NULL, or what is wrong with the row that follows `link`; moves on to it. */
static const char *check_row(struct stk_chain_link *link, sqlite3_stmt *stmt)
{
    struct stk_audit audit = audit_of(stmt);
    unsigned char prev[STK_CHAIN_BYTES];
    unsigned char stored[STK_CHAIN_BYTES];
    unsigned char hash[STK_CHAIN_BYTES];
    bool has_hashes = read_hash(stmt, 6, prev) && read_hash(stmt, 7, stored);

    if (audit.id != link->id + 1) return "rows before it are missing";
    if (!has_hashes || memcmp(prev, link->hash, STK_CHAIN_BYTES) != 0) {
        return "it does not follow the row before it";
    }
    stk_chain_hash(link, &audit, hash);
    if (memcmp(stored, hash, STK_CHAIN_BYTES) != 0) return "it was changed";

    link->id = audit.id;
    memcpy(link->hash, hash, STK_CHAIN_BYTES);
    return NULL;
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
        const char *wrong = check_row(&link, stmt);
        if (wrong == NULL) continue;
        return stk_fail(err, STK_BAD_DATA, "the audit log does not hold at row %lld: %s",
                        (long long)sqlite3_column_int64(stmt, 0), wrong);
    }
    if (rc == STK_OK) *ret_rows = link.id;
    return rc;
}
