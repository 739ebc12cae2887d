/* SPDX-License-Identifier: MIT
 *
 * Consoles of other machines, while somebody watches them. Both tables are
 * unlogged: what they hold is of no use after a crash of the server.
 */
#include "store/pg/pg.h"

#include <string.h>

#define LINES_KEPT_NS (10 * STK_MINUTE)

enum stk_rc stk_pg_watch(struct stk_store *store, int64_t pool_id, uint32_t lines,
                         stk_time_ns until, stk_time_ns now, int64_t *ret_watch_id,
                         struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, pool_id);
    stk_pg_arg_int(self, lines);
    stk_pg_arg_int(self, until);
    stk_pg_arg_int(self, now);
    stk_pg_hint(self, STK_HINT_WATCH);
    return stk_pg_number(self, STMT_WATCH_ADD, "watch consoles", 0, ret_watch_id, err);
}

enum stk_rc stk_pg_watched(struct stk_store *store, int64_t pool_id, int64_t after_id,
                           stk_time_ns now, struct stk_watch *ret, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, pool_id);
    stk_pg_arg_int(self, after_id);
    stk_pg_arg_int(self, now);
    enum stk_rc rc = stk_pg_run(self, STMT_WATCH_LOOK, "ask who watches", &rows, err);
    if (rc != STK_OK) return rc;
    *ret = (struct stk_watch){
        .until = stk_pg_int(&rows, 0, 0),
        .newest_id = stk_pg_int(&rows, 0, 1),
        .lines = (uint32_t)stk_pg_int(&rows, 0, 2),
    };
    return STK_OK;
}

enum stk_rc stk_pg_answer(struct stk_store *store, int64_t watch_id, int64_t pool_id,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, watch_id);
    stk_pg_arg_int(self, pool_id);
    return stk_pg_send(self, STMT_WATCH_ANSWER, "answer who watches", NULL, NULL, err);
}

enum stk_rc stk_pg_answers(struct stk_store *store, int64_t watch_id,
                           void (*each)(void *context, int64_t pool_id), void *context,
                           struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, watch_id);
    enum stk_rc rc = stk_pg_run(self, STMT_WATCH_ANSWERS, "ask who has answered", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        each(context, stk_pg_int(&rows, i, 0));
    }
    return rc;
}

/* --- lines ------------------------------------------------------------------- */

enum number { POOL, JOB, AT, WORKER };

static int64_t number_of(const struct stk_shipped *line, enum number which)
{
    switch (which) {
    case POOL: return line->pool_id;
    case JOB: return line->job_id;
    case AT: return line->at;
    case WORKER: break;
    }
    return line->worker;
}

enum stk_rc stk_pg_ship(struct stk_store *store, const struct stk_shipped *lines, size_t count,
                        stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    for (enum number which = POOL; which <= WORKER; which++) {
        stk_pg_array_ints(self, count);
        for (size_t i = 0; i < count; i++) {
            stk_pg_item_int(self, number_of(&lines[i], which));
        }
        stk_pg_array_end(self);
    }
    stk_pg_array_texts(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item(self, lines[i].text, strlen(lines[i].text));
    }
    stk_pg_array_end(self);
    stk_pg_arg_int(self, now);
    rc = stk_pg_send(self, STMT_LINE_ADD, "ship console lines", NULL, NULL, err);
    stk_pg_arg_int(self, now - LINES_KEPT_NS);
    return rc == STK_OK ? stk_pg_run(self, STMT_LINE_OLD, "ship console lines", NULL, err) : rc;
}

enum stk_rc stk_pg_shipped(struct stk_store *store, int64_t pool_id, int64_t after_id, size_t limit,
                           stk_shipped_fn each, void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, pool_id);
    stk_pg_arg_int(self, after_id);
    stk_pg_arg_int(self, (int64_t)limit);
    enum stk_rc rc = stk_pg_run(self, STMT_LINE_LIST, "read console lines", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        const struct stk_shipped line = {
            .id = stk_pg_int(&rows, i, 0),
            .pool_id = stk_pg_int(&rows, i, 1),
            .job_id = stk_pg_int(&rows, i, 2),
            .at = stk_pg_int(&rows, i, 3),
            .worker = (uint32_t)stk_pg_int(&rows, i, 4),
            .text = stk_pg_text(&rows, i, 5),
        };
        each(context, &line);
    }
    return rc;
}
