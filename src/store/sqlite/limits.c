/* SPDX-License-Identifier: MIT
 *
 * The limits, and how many jobs of a queue wait and run. There are few of both,
 * and a claim asks for them in every round: the one writer keeps them in memory,
 * and reads them again after a rollback or an undone savepoint.
 */
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void stk_sqlite_limits_forget(struct stk_sqlite *self)
{
    self->limits.known = false;
    self->loads.known = false;
}

void stk_sqlite_limits_release(struct stk_sqlite *self)
{
    free(self->limits.rows);
    free(self->loads.rows);
    self->limits = (struct limit_set){ 0 };
    self->loads = (struct load_set){ 0 };
}

/* --- limits -------------------------------------------------------------- */

static void copy_text(char *room, size_t size, const char *text)
{
    (void)snprintf(room, size, "%s", text != NULL ? text : "");
}

/* The columns in the order of limiter_list.sql. */
static struct stk_limit row_of(sqlite3_stmt *stmt)
{
    struct stk_limit limit = {
        .tat = sqlite3_column_int64(stmt, 1),
        .interval_ns = sqlite3_column_int64(stmt, 2),
        .interval_at = sqlite3_column_int64(stmt, 3),
        .turn_at = sqlite3_column_int64(stmt, 4),
        .blocked_until = sqlite3_column_int64(stmt, 5),
        .episode = sqlite3_column_int64(stmt, 7),
        .episode_at = sqlite3_column_int64(stmt, 8),
        .strikes = (uint32_t)sqlite3_column_int64(stmt, 9),
        .half_open = sqlite3_column_int(stmt, 10) == 1,
        .errors = (uint32_t)sqlite3_column_int64(stmt, 11),
        .errors_since = sqlite3_column_int64(stmt, 12),
        .cap_learned = (uint32_t)sqlite3_column_int64(stmt, 13),
        .cap_until = sqlite3_column_int64(stmt, 14),
        .cap_probe_at = sqlite3_column_int64(stmt, 15),
        .window_from = sqlite3_column_int64(stmt, 16),
        .used = sqlite3_column_int64(stmt, 17),
        .set_per_window = sqlite3_column_int64(stmt, 18),
        .set_concurrency = sqlite3_column_int64(stmt, 19),
        .changed_at = sqlite3_column_int64(stmt, 21),
    };
    copy_text(limit.name, sizeof(limit.name), stk_sqlite_text(stmt, 0));
    copy_text(limit.reason, sizeof(limit.reason), stk_sqlite_text(stmt, 6));
    copy_text(limit.set_by, sizeof(limit.set_by), stk_sqlite_text(stmt, 20));
    return limit;
}

static enum stk_rc read_limits(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_LIMITER_LIST];
    struct limit_set *set = &self->limits;
    set->count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the limits", &row, err)) == STK_OK && row) {
        set->rows = stk_realloc(set->rows, set->count + 1, sizeof(*set->rows));
        set->rows[set->count++] = row_of(stmt);
    }
    set->known = rc == STK_OK;
    return rc;
}

enum stk_rc stk_sqlite_limits(struct stk_store *store, const struct stk_limit **ret,
                              size_t *ret_count, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    bool is_fresh = self->limits.known && !self->read_only;
    enum stk_rc rc = is_fresh ? STK_OK : read_limits(self, err);
    if (rc != STK_OK) return rc;

    *ret = self->limits.rows;
    *ret_count = self->limits.count;
    return STK_OK;
}

static void bind_limit(sqlite3_stmt *stmt, const struct stk_limit *limit)
{
    const int64_t numbers[] = {
        limit->tat,           limit->interval_ns,    limit->interval_at,     limit->turn_at,
        limit->blocked_until, 0 /* the reason */,    limit->episode,         limit->episode_at,
        limit->strikes,       limit->half_open,      limit->errors,          limit->errors_since,
        limit->cap_learned,   limit->cap_until,      limit->cap_probe_at,    limit->window_from,
        limit->used,          limit->set_per_window, limit->set_concurrency, 0 /* set_by */,
        limit->changed_at,
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(numbers); i++) {
        (void)sqlite3_bind_int64(stmt, (int)i + 2, numbers[i]);
    }
    stk_sqlite_bind_text(stmt, 1, limit->name);
    stk_sqlite_bind_text(stmt, 7, limit->reason[0] != '\0' ? limit->reason : NULL);
    stk_sqlite_bind_text(stmt, 21, limit->set_by[0] != '\0' ? limit->set_by : NULL);
}

enum stk_rc stk_sqlite_limit_set(struct stk_store *store, const struct stk_limit *limit,
                                 struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_LIMITER_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;

    bind_limit(stmt, limit);
    rc = stk_sqlite_run(self, stmt, "write a limit", err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; self->limits.known && i < self->limits.count; i++) {
        if (strcmp(self->limits.rows[i].name, limit->name) != 0) continue;
        self->limits.rows[i] = *limit;
        return STK_OK;
    }
    self->limits.known = false; /* a new one: read again, in order */
    return STK_OK;
}

/* --- loads --------------------------------------------------------------- */

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
