/* SPDX-License-Identifier: MIT
 *
 * The audit log: a chain of hashes. Each row's hash covers the hash before it
 * and all its own columns, each with its length in front, so that no text can
 * pass for a part of its neighbour. The schema's triggers refuse to change it;
 * the chain tells when somebody has gone round them. It cannot tell that the
 * newest rows were cut off: for that, keep a copy of the last hash elsewhere. Who
 * adds a row has the table to itself until its transaction ends.
 */
#include "store/pg/pg.h"

#include "store/chain.h"

static struct stk_audit audit_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_audit){
        .id = stk_pg_int(rows, row, 0),
        .at = stk_pg_int(rows, row, 1),
        .actor = stk_pg_text(rows, row, 2),
        .action = stk_pg_text(rows, row, 3),
        .subject = stk_pg_text(rows, row, 4),
        .reason = stk_pg_text(rows, row, 5),
    };
}

/* --- adding -------------------------------------------------------------- */

static enum stk_rc find_last(struct stk_pg *self, struct stk_chain_link *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    *ret = (struct stk_chain_link){ 0 };
    enum stk_rc rc = stk_pg_run(self, STMT_AUDIT_LOCK, "read the audit log", NULL, err);
    if (rc == STK_OK) rc = stk_pg_run(self, STMT_AUDIT_LAST, "read the audit log", &rows, err);
    if (rc != STK_OK || rows.count == 0) return rc;
    (void)stk_chain_set(ret, stk_pg_int(&rows, 0, 0), stk_pg_text(&rows, 0, 1),
                        stk_pg_len(&rows, 0, 1)); /* a CHECK says that it is one */
    return STK_OK;
}

enum stk_rc stk_pg_audit_add(struct stk_store *store, const struct stk_audit *audit,
                             stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    struct stk_chain_link last;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = find_last(self, &last, err);
    if (rc != STK_OK) return rc;

    struct stk_audit row = *audit;
    row.at = now;
    struct stk_chain_link link = stk_chain_follow(&last, &row);

    stk_pg_arg_int(self, row.id);
    stk_pg_arg_int(self, row.at);
    stk_pg_arg_text(self, row.actor);
    stk_pg_arg_text(self, row.action);
    stk_pg_arg_text(self, row.subject);
    stk_pg_arg_text(self, row.reason);
    stk_pg_arg_bytes(self, last.hash, STK_CHAIN_BYTES);
    stk_pg_arg_bytes(self, link.hash, STK_CHAIN_BYTES);
    return stk_pg_run(self, STMT_AUDIT_ADD, "write to the audit log", NULL, err);
}

/* --- reading ------------------------------------------------------------- */

enum stk_rc stk_pg_audits(struct stk_store *store, int64_t before_id, size_t limit,
                          stk_audit_fn each, void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, before_id != 0 ? before_id : INT64_MAX);
    stk_pg_arg_int(self, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    enum stk_rc rc = stk_pg_run(self, STMT_AUDIT_LIST, "read the audit log", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        struct stk_audit audit = audit_of(&rows, i);
        each(context, &audit);
    }
    return rc;
}

static struct stk_chain_row row_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_chain_row){
        .audit = audit_of(rows, row),
        .prev = stk_pg_text(rows, row, 6),
        .prev_len = stk_pg_len(rows, row, 6),
        .hash = stk_pg_text(rows, row, 7),
        .hash_len = stk_pg_len(rows, row, 7),
    };
}

static enum stk_rc verify_page(struct stk_pg *self, struct stk_chain_link *link, bool *ret_more,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, link->id);
    stk_pg_arg_int(self, STK_PAGE_MAX);
    enum stk_rc rc = stk_pg_run(self, STMT_AUDIT_WALK, "verify the audit log", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        struct stk_chain_row next = row_of(&rows, i);
        rc = stk_chain_check(link, &next, err);
    }
    *ret_more = rows.count == STK_PAGE_MAX;
    return rc;
}

enum stk_rc stk_pg_audit_verify(struct stk_store *store, int64_t *ret_rows, struct stk_error *err)
{
    struct stk_chain_link link = { 0 };
    bool more = true;
    enum stk_rc rc = STK_OK;
    while (rc == STK_OK && more) {
        rc = verify_page(downcast(store), &link, &more, err);
    }
    if (rc == STK_OK) *ret_rows = link.id;
    return rc;
}
