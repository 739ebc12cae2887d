/* SPDX-License-Identifier: MIT
 *
 * Pools and events: rows that are added, and read newest first or in order.
 */
#include "store/sqlite/sqlite.h"

#include <stdio.h>

/* --- pools --------------------------------------------------------------- */

static enum stk_rc add_pool_event(struct stk_sqlite *self, enum stk_event_kind kind, int64_t id,
                                  const char *text, stk_time_ns now, struct stk_error *err)
{
    struct stk_event event = { .pool_id = id, .text = text };
    return stk_sqlite_event_add(self, kind, &event, now, err);
}

enum stk_rc stk_sqlite_pool_start(struct stk_store *store, const char *host, int64_t pid,
                                  uint32_t workers, stk_time_ns now, int64_t *ret_id,
                                  struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_ADD];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_sqlite_bind_text(stmt, 1, host);
    (void)sqlite3_bind_int64(stmt, 2, pid);
    (void)sqlite3_bind_int64(stmt, 3, workers);
    (void)sqlite3_bind_int64(stmt, 4, now);
    rc = stk_sqlite_run(self, stmt, "start a pool", err);
    if (rc != STK_OK) return rc;

    int64_t id = sqlite3_last_insert_rowid(self->db);
    char text[200];
    (void)snprintf(text, sizeof(text), "pool p%lld started with %u workers (pid %lld on %.72s)",
                   (long long)id, workers, (long long)pid, host);
    rc = add_pool_event(self, STK_EVENT_POOL_STARTED, id, text, now, err);
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

enum stk_rc stk_sqlite_pool_beat(struct stk_store *store, int64_t id,
                                 const struct stk_pool_said *said, stk_time_ns now,
                                 struct stk_error *err)
{
    (void)said;
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_BEAT];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    rc = stk_sqlite_run(self, stmt, "write a pool's heartbeat", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    return stk_fail(err, STK_CONFLICT, "pool p%lld has ended", (long long)id);
}

enum stk_rc stk_sqlite_pool_stop(struct stk_store *store, int64_t id, stk_time_ns now,
                                 struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_END];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    stk_sqlite_bind_text(stmt, 3, "stopped");
    rc = stk_sqlite_run(self, stmt, "stop a pool", err);
    if (rc != STK_OK) return rc;
    if (sqlite3_changes(self->db) == 0) {
        return stk_fail(err, STK_CONFLICT, "pool p%lld has ended", (long long)id);
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "pool p%lld stopped in good order", (long long)id);
    return add_pool_event(self, STK_EVENT_POOL_STOPPED, id, text, now, err);
}

enum stk_rc stk_sqlite_pools(struct stk_store *store, size_t limit, stk_pool_fn each, void *context,
                             struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_LIST];
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "list the pools", &row, err)) == STK_OK && row) {
        struct stk_pool_row pool = {
            .id = sqlite3_column_int64(stmt, 0),
            .host = stk_sqlite_text(stmt, 1),
            .pid = sqlite3_column_int64(stmt, 2),
            .workers = (uint32_t)sqlite3_column_int64(stmt, 3),
            .started_at = sqlite3_column_int64(stmt, 4),
            .beat_at = sqlite3_column_int64(stmt, 5),
            .stopped_at = stk_sqlite_time(stmt, 6),
            .lease_until = STK_NEVER,
            .ended = stk_sqlite_text(stmt, 7),
        };
        each(context, &pool);
    }
    return rc;
}

/* --- events -------------------------------------------------------------- */

enum stk_rc stk_sqlite_event_add(struct stk_sqlite *self, enum stk_event_kind kind,
                                 const struct stk_event *event, stk_time_ns now,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_EVENT_ADD];
    (void)sqlite3_bind_int64(stmt, 1, now);
    stk_sqlite_bind_text(stmt, 2, stk_event_name(kind));
    stk_sqlite_bind_id(stmt, 3, event->job_id);
    stk_sqlite_bind_id(stmt, 4, event->sweep_id);
    stk_sqlite_bind_id(stmt, 5, event->pool_id);
    stk_sqlite_bind_text(stmt, 6, event->queue);
    stk_sqlite_bind_text(stmt, 7, event->actor);
    stk_sqlite_bind_text(stmt, 8, event->text);
    return stk_sqlite_run(self, stmt, "write an event", err);
}

enum stk_rc stk_sqlite_event(struct stk_store *store, enum stk_event_kind kind,
                             const struct stk_event *event, stk_time_ns now, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    return rc != STK_OK ? rc : stk_sqlite_event_add(self, kind, event, now, err);
}

static struct stk_event event_of(sqlite3_stmt *stmt)
{
    return (struct stk_event){
        .id = sqlite3_column_int64(stmt, 0),
        .at = sqlite3_column_int64(stmt, 1),
        .kind = stk_sqlite_text(stmt, 2),
        .job_id = sqlite3_column_int64(stmt, 3),
        .sweep_id = sqlite3_column_int64(stmt, 4),
        .pool_id = sqlite3_column_int64(stmt, 5),
        .queue = stk_sqlite_text(stmt, 6),
        .actor = stk_sqlite_text(stmt, 7),
        .text = stk_sqlite_text(stmt, 8),
        .is_settled = true,
    };
}

enum stk_rc stk_sqlite_events(struct stk_store *store, int64_t after_id, int64_t job_id,
                              size_t limit, stk_event_fn each, void *context, struct stk_error *err)
{
    static const enum stmt paths[2][2] = {
        { STMT_EVENT_NEWEST, STMT_EVENT_AFTER },
        { STMT_EVENT_JOB_NEWEST, STMT_EVENT_JOB_AFTER },
    };
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = self->stmts[paths[job_id != 0][after_id != 0]];
    if (after_id != 0) (void)sqlite3_bind_int64(stmt, 1, after_id);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    if (job_id != 0) (void)sqlite3_bind_int64(stmt, 3, job_id);

    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read events", &row, err)) == STK_OK && row) {
        struct stk_event event = event_of(stmt);
        each(context, &event);
    }
    return rc;
}
