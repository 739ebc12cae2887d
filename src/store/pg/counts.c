/* SPDX-License-Identifier: MIT
 *
 * How many jobs are in which state. A transaction gathers its changes in
 * memory and inserts them as rows of job_delta, which makes nobody wait; what
 * is read sums them and job_count, and tend adds them up into it.
 */
#include "store/pg/pg.h"

#include <string.h>

enum { FOLD_MAX = 20000, FOLDS_MAX = 10 };

/* --- changes ------------------------------------------------------------- */

void stk_pg_count(struct stk_pg *self, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                  enum stk_state from, enum stk_state to, stk_time_ns now)
{
    stk_tally_move(&self->counts, sweep_id, queue_id, task_id, from, to, now);
}

/* One column of all rows: the number that stands `at` bytes from a row's start. */
static void bind_column(struct stk_pg *self, size_t at)
{
    const struct stk_tally *set = &self->counts;
    stk_pg_array_ints(self, set->count);
    for (size_t i = 0; i < set->count; i++) {
        int64_t value = 0;
        memcpy(&value, (const char *)&set->rows[i] + at, sizeof(value));
        stk_pg_item_int(self, value);
    }
    stk_pg_array_end(self);
}

enum stk_rc stk_pg_counts_write(struct stk_pg *self, struct stk_error *err)
{
    if (self->counts.count == 0) return STK_OK;
    bind_column(self, offsetof(struct stk_tally_row, sweep_id));
    bind_column(self, offsetof(struct stk_tally_row, queue_id));
    bind_column(self, offsetof(struct stk_tally_row, task_id));
    for (size_t state = 0; state < STK_STATE_COUNT_; state++) {
        bind_column(self, offsetof(struct stk_tally_row, by) + state * sizeof(int64_t));
    }
    bind_column(self, offsetof(struct stk_tally_row, ended_at));
    self->counts.count = 0;
    return stk_pg_send(self, STMT_COUNT_ADD, "write the counters", NULL, NULL, err);
}

/* In several steps, as one that locks many rows would keep others from theirs. */
enum stk_rc stk_pg_counts_fold(struct stk_pg *self, struct stk_error *err)
{
    int64_t folded = FOLD_MAX;
    enum stk_rc rc = STK_OK;
    for (int i = 0; i < FOLDS_MAX && folded == FOLD_MAX && rc == STK_OK; i++) {
        stk_pg_arg_int(self, FOLD_MAX);
        rc = stk_pg_number(self, STMT_COUNT_FOLD, "add up the counters", 0, &folded, err);
    }
    return rc;
}

/* --- reading ------------------------------------------------------------- */

/* A transaction under way is to see its own changes. */
static enum stk_rc write_before_reading(struct stk_pg *self, struct stk_error *err)
{
    if (!self->in_txn || self->read_only) return STK_OK;
    enum stk_rc rc = stk_pg_settle_late(self, err);
    return rc == STK_OK ? stk_pg_counts_write(self, err) : rc;
}

static struct stk_counts counts_of(const struct stk_pg_rows *rows, int row, int column)
{
    struct stk_counts counts = { 0 };
    for (int state = 0; state < STK_STATE_COUNT_; state++) {
        counts.of[state] = stk_pg_int(rows, row, column + state);
    }
    return counts;
}

enum stk_rc stk_pg_counts(struct stk_store *store, int64_t sweep_id, struct stk_counts *ret,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = write_before_reading(self, err);
    if (rc != STK_OK) return rc;
    if (sweep_id != 0) stk_pg_arg_int(self, sweep_id);
    rc = stk_pg_run(self, sweep_id == 0 ? STMT_COUNT_ALL : STMT_COUNT_SWEEP, "read the counters",
                    &rows, err);
    if (rc == STK_OK) *ret = counts_of(&rows, 0, 0);
    return rc;
}

enum stk_rc stk_pg_counts_by_task(struct stk_store *store, stk_task_counts_fn each, void *context,
                                  struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = write_before_reading(self, err);
    if (rc == STK_OK) rc = stk_pg_run(self, STMT_COUNT_TASKS, "read the counters", &rows, err);
    if (rc != STK_OK) return rc;
    for (int i = 0; i < rows.count; i++) {
        struct stk_counts counts = counts_of(&rows, i, 2);
        each(context, stk_pg_text(&rows, i, 0), stk_pg_text(&rows, i, 1), &counts);
    }
    return STK_OK;
}

/* Never out of memory: others claim and settle as well. */
enum stk_rc stk_pg_queue_load(struct stk_store *store, int64_t queue_id, int64_t *ret_pending,
                              int64_t *ret_running, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = write_before_reading(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, queue_id);
    rc = stk_pg_run(self, STMT_COUNT_QUEUE, "read the counters", &rows, err);
    if (rc != STK_OK) return rc;
    *ret_pending = stk_pg_int(&rows, 0, 0);
    *ret_running = stk_pg_int(&rows, 0, 1);
    return STK_OK;
}
