/* SPDX-License-Identifier: MIT
 *
 * Notices: what is to be said to people, each thing once. A key stays for ever;
 * delivery is tried until a channel is served or given up. Who reads the due
 * ones in a write transaction has them for a minute.
 */
#include "store/pg/pg.h"

#include <string.h>

#define PUT_OFF_NS STK_MINUTE

static bool is_json_text(const char *text)
{
    return stk_pg_is_json(text, strlen(text));
}

enum stk_rc stk_pg_notice_add(struct stk_store *store, const struct stk_notice *notice,
                              stk_time_ns now, bool *ret_fresh, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    const char *facts = notice->facts != NULL ? notice->facts : "{}";
    const char *left = notice->left != NULL ? notice->left : "[]";
    int64_t added = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    if (!is_json_text(facts) || !is_json_text(left)) {
        return stk_fail(err, STK_CONFLICT, "the notice \"%s\" holds no valid JSON", notice->key);
    }
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, notice->event);
    stk_pg_arg_text(self, notice->subject);
    stk_pg_arg_text(self, notice->key);
    stk_pg_arg_text(self, notice->text);
    stk_pg_arg_text(self, facts);
    stk_pg_arg_time(self, notice->next_at);
    stk_pg_arg_text(self, left);
    rc = stk_pg_change(self, STMT_NOTICE_ADD, "add a notice", &added, err);
    if (rc != STK_OK) return rc;
    *ret_fresh = added == 1;
    if (*ret_fresh) stk_pg_hint(self, STK_HINT_NOTICES);
    return STK_OK;
}

static struct stk_notice notice_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_notice){
        .id = stk_pg_int(rows, row, 0),
        .at = stk_pg_int(rows, row, 1),
        .event = stk_pg_text(rows, row, 2),
        .subject = stk_pg_text(rows, row, 3),
        .key = stk_pg_text(rows, row, 4),
        .text = stk_pg_text(rows, row, 5),
        .facts = stk_pg_text(rows, row, 6),
        .tries = (uint32_t)stk_pg_int(rows, row, 7),
        .next_at = stk_pg_time(rows, row, 8),
        .left = stk_pg_text(rows, row, 9),
    };
}

enum stk_rc stk_pg_notices_due(struct stk_store *store, stk_time_ns now, size_t limit,
                               stk_notice_fn each, void *context, stk_time_ns *ret_next,
                               struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    size_t most = limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX;
    bool takes = self->in_txn && !self->read_only;
    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, (int64_t)most);
    if (takes) stk_pg_arg_int(self, now + PUT_OFF_NS);
    enum stk_rc rc = stk_pg_run(self, takes ? STMT_NOTICE_TAKE : STMT_NOTICE_DUE,
                                "read the notices", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        struct stk_notice notice = notice_of(&rows, i);
        each(context, &notice);
    }
    if (rc != STK_OK) return rc;
    if ((size_t)rows.count == most) { /* there may be more of them */
        *ret_next = now;
        return STK_OK;
    }
    stk_pg_arg_int(self, now);
    return stk_pg_number(self, STMT_NOTICE_NEXT, "read the notices", STK_NEVER, ret_next, err);
}

enum stk_rc stk_pg_notice_tried(struct stk_store *store, int64_t id, const char *left,
                                stk_time_ns next_at, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    const char *rest = left != NULL ? left : "[]";
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    if (!is_json_text(rest)) return stk_fail(err, STK_CONFLICT, "the channels left are no JSON");
    stk_pg_arg_int(self, id);
    stk_pg_arg_text(self, rest);
    stk_pg_arg_time(self, next_at);
    rc = stk_pg_change(self, STMT_NOTICE_TRIED, "note the delivery of a notice", &changed, err);
    if (rc != STK_OK || changed == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no notice %lld", (long long)id);
}
