/* SPDX-License-Identifier: MIT
 *
 * How many jobs are in which state. A transaction gathers its changes in
 * memory and commit writes each counter once: a trigger would write it once a
 * row, which costs more than the row.
 */
#include "store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- changes ------------------------------------------------------------- */

void stk_sqlite_count(struct stk_sqlite *self, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                      enum stk_state from, enum stk_state to, stk_time_ns now)
{
    stk_tally_move(&self->counts, sweep_id, queue_id, task_id, from, to, now);
    if (self->loads.known) stk_sqlite_load_move(self, queue_id, from, to);
}

static enum stk_rc write_one(struct stk_sqlite *self, enum stmt which,
                             const struct stk_tally_row *row, size_t state, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[which];
    (void)sqlite3_bind_int64(stmt, 1, row->sweep_id);
    (void)sqlite3_bind_int64(stmt, 2, row->queue_id);
    (void)sqlite3_bind_int64(stmt, 3, row->task_id);
    stk_sqlite_bind_text(stmt, 4, stk_state_name((enum stk_state)state));
    (void)sqlite3_bind_int64(stmt, 5, row->by[state]);
    return stk_sqlite_run(self, stmt, "write the counters", err);
}

static enum stk_rc write_ended(struct stk_sqlite *self, const struct stk_tally_row *row,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_ENDED];
    (void)sqlite3_bind_int64(stmt, 1, row->sweep_id);
    (void)sqlite3_bind_int64(stmt, 2, row->ended_at);
    return stk_sqlite_run(self, stmt, "write when the sweep ended", err);
}

static enum stk_rc write_row(struct stk_sqlite *self, const struct stk_tally_row *row,
                             struct stk_error *err)
{
    for (size_t state = 0; state < STK_STATE_COUNT_; state++) {
        if (row->by[state] == 0) continue;
        enum stk_rc rc = write_one(self, STMT_COUNT_CHANGE, row, state, err);
        bool is_new = rc == STK_OK && sqlite3_changes(self->db) == 0;
        if (is_new) rc = write_one(self, STMT_COUNT_ADD, row, state, err);
        if (rc != STK_OK) return rc;
    }
    if (row->sweep_id == 0 || row->ended_at == 0) return STK_OK;
    return write_ended(self, row, err);
}

enum stk_rc stk_sqlite_counts_write(struct stk_sqlite *self, struct stk_error *err)
{
    for (size_t i = 0; i < self->counts.count; i++) {
        enum stk_rc rc = write_row(self, &self->counts.rows[i], err);
        if (rc != STK_OK) return rc;
    }
    self->counts.count = 0;
    return STK_OK;
}

/* --- reading ------------------------------------------------------------- */

/* A transaction under way is to see its own changes. */
static enum stk_rc write_before_reading(struct stk_sqlite *self, struct stk_error *err)
{
    return self->in_txn ? stk_sqlite_counts_write(self, err) : STK_OK;
}

enum stk_rc stk_sqlite_counts(struct stk_store *store, int64_t sweep_id, struct stk_counts *ret,
                              struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = write_before_reading(self, err);
    if (rc != STK_OK) return rc;

    enum stmt which = sweep_id == 0 ? STMT_COUNT_ALL : STMT_COUNT_SWEEP;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[which];
    if (sweep_id != 0) (void)sqlite3_bind_int64(stmt, 1, sweep_id);

    struct stk_counts counts = { 0 };
    bool row = false;
    while ((rc = stk_sqlite_next(self, stmt, "read the counters", &row, err)) == STK_OK && row) {
        counts.of[stk_sqlite_state(stmt, 0)] = sqlite3_column_int64(stmt, 1);
    }
    if (rc == STK_OK) *ret = counts;
    return rc;
}

/* The rows of one queue and task come together: `now` is the one being filled. */
struct task_counts {
    char *queue, *task; /* NULL: none yet */
    struct stk_counts counts;
};

static void release_task_counts(struct task_counts *now)
{
    free(now->queue);
    free(now->task);
    *now = (struct task_counts){ 0 };
}

static void hand_out(struct task_counts *now, stk_task_counts_fn each, void *context)
{
    if (now->task != NULL) each(context, now->queue, now->task, &now->counts);
    release_task_counts(now);
}

enum stk_rc stk_sqlite_counts_by_task(struct stk_store *store, stk_task_counts_fn each,
                                      void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = write_before_reading(self, err);
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_COUNT_TASKS];
    STK_CLEANUP(release_task_counts) struct task_counts now = { 0 };

    bool row = false;
    while ((rc = stk_sqlite_next(self, stmt, "read the counters", &row, err)) == STK_OK && row) {
        const char *queue = stk_sqlite_text(stmt, 0);
        const char *task = stk_sqlite_text(stmt, 1);
        bool same =
            now.task != NULL && strcmp(now.queue, queue) == 0 && strcmp(now.task, task) == 0;
        if (!same) {
            hand_out(&now, each, context);
            now.queue = stk_strdup(queue);
            now.task = stk_strdup(task);
        }
        now.counts.of[stk_sqlite_state(stmt, 2)] = sqlite3_column_int64(stmt, 3);
    }
    if (rc == STK_OK) hand_out(&now, each, context);
    return rc;
}
