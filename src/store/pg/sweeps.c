/* SPDX-License-Identifier: MIT
 *
 * Sweeps. A sweep has ended when all its points are in and none of its jobs is
 * pending or running; when the last one ended is written with the counters.
 */
#include "store/pg/pg.h"

#include <string.h>

static enum stk_rc check_spec(const char *spec, struct stk_error *err)
{
    if (stk_pg_is_json(spec, strlen(spec))) return STK_OK;
    return stk_fail(err, STK_BAD_DATA, "a sweep's spec is not JSON");
}

enum stk_rc stk_pg_sweep_new(struct stk_store *store, const char *name, int64_t task_id,
                             const char *spec, int64_t points, stk_time_ns now, int64_t *ret_id,
                             struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = check_spec(spec, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, task_id);
    stk_pg_arg_text(self, name);
    stk_pg_arg_int(self, points);
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, spec);
    rc = stk_pg_number(self, STMT_SWEEP_ADD, "make a sweep", 0, ret_id, err);
    if (rc == STK_OK) stk_pg_hint(self, STK_HINT_SWEEPS);
    return rc;
}

enum stk_rc stk_pg_sweep_set(struct stk_store *store, int64_t id, const char *spec, int64_t points,
                             bool filled, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = check_spec(spec, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, id);
    stk_pg_arg_text(self, spec);
    stk_pg_arg_int(self, points);
    stk_pg_arg_bool(self, filled);
    rc = stk_pg_change(self, STMT_SWEEP_SET, "change a sweep", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) {
        return stk_fail(err, STK_NOT_FOUND, "there is no sweep %lld", (long long)id);
    }
    if (!filled) stk_pg_hint(self, STK_HINT_SWEEPS);
    return STK_OK;
}

enum stk_rc stk_pg_sweep_take(struct stk_store *store, int64_t id, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, id);
    rc = stk_pg_run(self, STMT_SWEEP_TAKE, "take a sweep", &rows, err);
    if (rc != STK_OK || !stk_pg_is_null(&rows, 0, 0)) return rc;
    if (!stk_pg_bool(&rows, 0, 1)) {
        return stk_fail(err, STK_NOT_FOUND, "there is no sweep %lld", (long long)id);
    }
    return stk_fail(err, STK_BUSY, "sweep %lld is being filled by another", (long long)id);
}

/* --- reading --------------------------------------------------------------- */

static void hand_out(const struct stk_pg_rows *rows, int row, stk_sweep_fn each, void *context)
{
    enum { COUNTS_AT = 8 };
    struct stk_sweep sweep = {
        .id = stk_pg_int(rows, row, 0),
        .name = stk_pg_text(rows, row, 1),
        .task = stk_pg_text(rows, row, 2),
        .spec = stk_pg_text(rows, row, 3),
        .points = stk_pg_int(rows, row, 4),
        .filled = stk_pg_bool(rows, row, 5),
        .created_at = stk_pg_int(rows, row, 6),
        .finished_at = STK_NEVER,
    };
    for (int state = 0; state < STK_STATE_COUNT_; state++) {
        sweep.counts.of[state] = stk_pg_int(rows, row, COUNTS_AT + state);
    }
    int64_t left = sweep.counts.of[STK_STATE_PENDING] + sweep.counts.of[STK_STATE_RUNNING];
    stk_time_ns ended_at = stk_pg_int(rows, row, 7);
    if (sweep.filled && left == 0 && ended_at != 0) sweep.finished_at = ended_at;
    each(context, &sweep);
}

enum stk_rc stk_pg_sweeps(struct stk_store *store, int64_t id, int64_t before_id, size_t limit,
                          stk_sweep_fn each, void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_read_endp) struct read_txn txn = READ_TXN_INIT;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_read_begin(self, &txn, err);
    if (rc == STK_OK) rc = stk_pg_counts_write(self, err);
    if (rc != STK_OK) return rc;

    stk_pg_arg_int(self, id != 0 ? id : 1);
    stk_pg_arg_int(self, id != 0 ? id : before_id != 0 ? before_id - 1 : INT64_MAX);
    stk_pg_arg_int(self, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    rc = stk_pg_run(self, STMT_SWEEP_LIST, "list the sweeps", &rows, err);
    if (rc != STK_OK) return rc;
    if (id != 0 && rows.count == 0) {
        return stk_fail(err, STK_NOT_FOUND, "there is no sweep %lld", (long long)id);
    }
    for (int i = 0; i < rows.count; i++) {
        hand_out(&rows, i, each, context);
    }
    return STK_OK;
}

enum stk_rc stk_pg_unfilled_sweep(struct stk_store *store, int64_t after_id, int64_t *ret_id,
                                  struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t id = 0;
    stk_pg_arg_int(self, after_id);
    enum stk_rc rc = stk_pg_number(self, STMT_SWEEP_UNFILLED, "find a sweep to fill", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "every sweep is filled");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

enum stk_rc stk_pg_last_sweep(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    int64_t id = 0;
    enum stk_rc rc =
        stk_pg_number(downcast(store), STMT_SWEEP_LAST, "find the last sweep", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "there is no sweep yet");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}
