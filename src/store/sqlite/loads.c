/* SPDX-License-Identifier: MIT
 *
 * How many jobs of a queue wait and run. A claim asks for them in every round
 * when its queue has limits: the one writer then keeps them in memory, and reads
 * them again after a rollback or an undone savepoint. Who never asks pays
 * nothing.
 */
#include "store/sqlite/sqlite.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct queue_load *load_of(struct load_set *set, int64_t queue_id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].queue_id == queue_id) return &set->rows[i];
    }
    set->rows = stk_realloc(set->rows, set->count + 1, sizeof(*set->rows));
    set->rows[set->count] = (struct queue_load){ .queue_id = queue_id };
    return &set->rows[set->count++];
}

void stk_sqlite_load_move(struct stk_sqlite *self, int64_t queue_id, enum stk_state from,
                          enum stk_state to)
{
    struct queue_load *load = load_of(&self->loads, queue_id);
    load->pending += (to == STK_STATE_PENDING) - (from == STK_STATE_PENDING);
    load->running += (to == STK_STATE_RUNNING) - (from == STK_STATE_RUNNING);
}

static enum stk_rc read_loads(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = self->in_txn ? stk_sqlite_counts_write(self, err) : STK_OK;
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_COUNT_QUEUES];
    self->loads.count = 0;
    bool row = false;
    while ((rc = stk_sqlite_next(self, stmt, "read the counters", &row, err)) == STK_OK && row) {
        struct queue_load *load = load_of(&self->loads, sqlite3_column_int64(stmt, 0));
        load->pending = sqlite3_column_int64(stmt, 1);
        load->running = sqlite3_column_int64(stmt, 2);
    }
    self->loads.known = rc == STK_OK;
    return rc;
}

enum stk_rc stk_sqlite_queue_load(struct stk_store *store, int64_t queue_id, int64_t *ret_pending,
                                  int64_t *ret_running, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    bool is_fresh = self->loads.known && !self->read_only;
    enum stk_rc rc = is_fresh ? STK_OK : read_loads(self, err);
    if (rc != STK_OK) return rc;

    const struct queue_load *load = load_of(&self->loads, queue_id);
    *ret_pending = load->pending;
    *ret_running = load->running;
    return STK_OK;
}

void stk_sqlite_loads_doubt(struct stk_sqlite *self)
{
    self->loads.known = false;
}
