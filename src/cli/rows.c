/* SPDX-License-Identifier: MIT */
#include "cli/rows.h"

#include "cli/answer.h"
#include "cli/query.h"

enum { PAGE_ROWS = 1000 };

static enum stk_rc read_page(struct stk_cli *cli, const char *sweep, const char *task,
                             int64_t after, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    stk_buf_adds(&path, "/results");
    stk_query_add(&path, "sweep", sweep);
    stk_query_add(&path, "task", task);
    stk_query_add_int(&path, "limit", PAGE_ROWS);
    if (after > 0) stk_query_add_int(&path, "after", after);
    return stk_cli_get(cli, stk_buf_str(&path), ret, err);
}

static enum stk_rc walk_page(const json_t *page, stk_row_fn each, void *context, bool *ret_stop,
                             bool *ret_rest, struct stk_error *err)
{
    const json_t *rows = json_object_get(page, "results");
    size_t count = json_array_size(rows);
    for (size_t i = 0; i < count; i++) {
        enum stk_rc rc = each(context, json_array_get(rows, i), ret_stop, err);
        if (rc != STK_OK) return rc;
        *ret_rest = i + 1 < count;
        if (*ret_stop) return STK_OK;
    }
    return STK_OK;
}

enum stk_rc stk_rows_walk(struct stk_cli *cli, const char *sweep, const char *task, stk_row_fn each,
                          void *context, bool *ret_more, struct stk_error *err)
{
    int64_t after = 0;
    bool is_stopped = false;
    bool has_more = true;
    while (has_more && !is_stopped) {
        STK_CLEANUP(stk_json_freep) json_t *page = NULL;
        bool is_rest = false;
        enum stk_rc rc = read_page(cli, sweep, task, after, &page, err);
        if (rc == STK_OK) rc = walk_page(page, each, context, &is_stopped, &is_rest, err);
        if (rc != STK_OK) return rc;

        has_more = is_rest || stk_answer_get(page, "next") != NULL;
        after = stk_answer_int(page, "next");
    }
    if (ret_more != NULL) *ret_more = has_more;
    return STK_OK;
}
