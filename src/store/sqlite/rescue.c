/* SPDX-License-Identifier: MIT
 *
 * Giving back: the jobs of pools that are gone, and jobs held because nobody
 * knew their task.
 */
#include "store/lost.h"
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* --- pools that are gone ------------------------------------------------- */

struct lost_pool {
    int64_t id, pid;
    char host[72];
};
struct lost_pools {
    struct lost_pool *pools;
    size_t count;
};

static void release_pools(struct lost_pools *lost)
{
    free(lost->pools);
}

static enum stk_rc find_pools(struct stk_sqlite *self, int64_t alive, struct lost_pools *lost,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_LOST];
    (void)sqlite3_bind_int64(stmt, 1, alive);
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "look for lost pools", &row, err)) == STK_OK && row) {
        lost->pools = stk_realloc(lost->pools, lost->count + 1, sizeof(*lost->pools));
        struct lost_pool *pool = &lost->pools[lost->count++];
        *pool = (struct lost_pool){ .id = sqlite3_column_int64(stmt, 0),
                                    .pid = sqlite3_column_int64(stmt, 2) };
        (void)snprintf(pool->host, sizeof(pool->host), "%s", stk_sqlite_text(stmt, 1));
    }
    return rc;
}

static enum stk_rc end_pool(struct stk_sqlite *self, const struct lost_pool *pool, stk_time_ns now,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POOL_END];
    (void)sqlite3_bind_int64(stmt, 1, pool->id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    stk_sqlite_bind_text(stmt, 3, "lost");
    enum stk_rc rc = stk_sqlite_run(self, stmt, "mark a pool as lost", err);
    if (rc != STK_OK) return rc;

    char text[200];
    (void)snprintf(text, sizeof(text),
                   "pool p%lld (pid %lld on %s) ended without a word; its jobs are given back",
                   (long long)pool->id, (long long)pool->pid, pool->host);
    struct stk_event event = { .pool_id = pool->id, .text = text };
    return stk_sqlite_event_add(self, STK_EVENT_POOL_LOST, &event, now, err);
}

static enum stk_rc end_pools(struct stk_sqlite *self, int64_t alive, stk_time_ns now,
                             struct stk_error *err)
{
    STK_CLEANUP(release_pools) struct lost_pools lost = { 0 };
    enum stk_rc rc = find_pools(self, alive, &lost, err);
    for (size_t i = 0; i < lost.count && rc == STK_OK; i++) {
        rc = end_pool(self, &lost.pools[i], now, err);
    }
    return rc;
}

/* --- their jobs ---------------------------------------------------------- */

static struct stk_lost_row lost_row_of(sqlite3_stmt *stmt)
{
    return (struct stk_lost_row){
        .id = sqlite3_column_int64(stmt, 0),
        .attempt_id = sqlite3_column_int64(stmt, 1),
        .attempt = (uint32_t)sqlite3_column_int64(stmt, 2),
        .interruptions = (uint32_t)sqlite3_column_int64(stmt, 3),
        .cancel_requested = sqlite3_column_int(stmt, 4) == 1,
        .pool_id = sqlite3_column_int64(stmt, 5),
        .task = stk_sqlite_text(stmt, 6),
        .phase = stk_sqlite_text(stmt, 7),
        .submitted_at = sqlite3_column_int64(stmt, 8),
    };
}

static enum stk_rc find_lost(struct stk_sqlite *self, int64_t alive, int64_t cursor,
                             struct stk_lost *lost, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_STEP_LOST];
    (void)sqlite3_bind_int64(stmt, 1, cursor);
    (void)sqlite3_bind_int64(stmt, 2, STK_STORE_CHUNK);
    (void)sqlite3_bind_int64(stmt, 3, alive);

    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "look for lost jobs", &row, err)) == STK_OK && row) {
        struct stk_lost_row job = lost_row_of(stmt);
        stk_lost_add(lost, &job);
    }
    return rc;
}

enum stk_rc stk_sqlite_rescue(struct stk_store *store, int64_t pool_id, stk_bound_fn bound,
                              void *context, stk_time_ns now, struct stk_bulk *bulk,
                              struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_lost_release) struct stk_lost lost = { 0 };
    stk_lost_init(&lost, bound, context, now);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK && bulk->cursor == 0) rc = end_pools(self, pool_id, now, err);
    if (rc == STK_OK) rc = find_lost(self, pool_id, bulk->cursor, &lost, err);
    return rc == STK_OK ? stk_lost_settle(store, &lost, bulk, err) : rc;
}

/* --- held jobs ----------------------------------------------------------- */

enum stk_rc stk_sqlite_release_held(struct stk_store *store, int64_t task_id, stk_time_ns now,
                                    struct stk_bulk *bulk, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_HELD_RELEASE];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, task_id);
    (void)sqlite3_bind_int64(stmt, 2, bulk->cursor);
    (void)sqlite3_bind_int64(stmt, 3, STK_STORE_CHUNK);
    (void)sqlite3_bind_int64(stmt, 4, now);

    int64_t released = 0;
    int64_t last = bulk->cursor;
    bool row = false;
    while ((rc = stk_sqlite_next(self, stmt, "release held jobs", &row, err)) == STK_OK && row) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        if (id > last) last = id; /* RETURNING promises no order */
        released++;
    }
    if (rc != STK_OK) return rc;
    bulk->cursor = last;
    bulk->changed += released;
    bulk->more = released == STK_STORE_CHUNK;
    return STK_OK;
}
