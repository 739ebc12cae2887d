/* SPDX-License-Identifier: MIT
 *
 * Giving back: the jobs of pools that are gone, and jobs held because nobody
 * knew their task.
 */
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rand.h"

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

struct lost_job {
    struct stk_settle settle;
    struct stk_remote remote;
    char error[200];
};

/* Who knows how often a task may be interrupted, and what becomes of its
 * ambiguous jobs. */
struct bound {
    stk_bound_fn of;
    void *context;
};

/* How the lost attempt ends: its outcome, and whether its job goes on at the
 * authority. */
struct fate {
    enum stk_outcome outcome;
    bool goes_on, adopts;
};

static struct fate fate_of(const char *phase_name, enum stk_ambiguous ambiguous)
{
    enum stk_remote_phase phase = STK_REMOTE_NONE;
    if (phase_name != NULL) (void)stk_remote_phase_from_name(phase_name, &phase);
    if (phase == STK_REMOTE_NONE) return (struct fate){ STK_OUTCOME_INTERRUPTED, false, false };
    if (phase != STK_REMOTE_SUBMITTING)
        return (struct fate){ STK_OUTCOME_INTERRUPTED, true, false };
    switch (ambiguous) {
    case STK_AMBIGUOUS_RESUBMIT: return (struct fate){ STK_OUTCOME_INTERRUPTED, false, false };
    case STK_AMBIGUOUS_ADOPT: return (struct fate){ STK_OUTCOME_INTERRUPTED, true, true };
    case STK_AMBIGUOUS_QUARANTINE: break;
    }
    return (struct fate){ STK_OUTCOME_AMBIGUOUS, false, false };
}

static void write_error(struct lost_job *lost, enum stk_outcome outcome, int64_t job_id,
                        int64_t pool_id)
{
    if (outcome == STK_OUTCOME_AMBIGUOUS) {
        (void)snprintf(lost->error, sizeof(lost->error),
                       "the pool died while the job was being submitted; nobody knows whether the "
                       "authority accepted it: look there, then stoker retry %lld",
                       (long long)job_id);
        return;
    }
    (void)snprintf(lost->error, sizeof(lost->error), "interrupted: its pool p%lld is gone",
                   (long long)pool_id);
}

static void note_lost(struct lost_job *lost, sqlite3_stmt *stmt, const struct bound *bound,
                      stk_time_ns now)
{
    struct stk_bounds bounds = bound->of(bound->context, stk_sqlite_text(stmt, 6));
    struct stk_retry retry = STK_RETRY_DEFAULT;
    retry.interruptions_max = bounds.interruptions_max;
    struct fate fate = fate_of(stk_sqlite_text(stmt, 7), bounds.ambiguous);
    struct stk_attempt_facts facts = {
        .attempt = (uint32_t)sqlite3_column_int64(stmt, 2),
        .interruptions = (uint32_t)sqlite3_column_int64(stmt, 3),
        .cancel_requested = sqlite3_column_int(stmt, 4) == 1,
        .remote_known = fate.goes_on,
        .retry = &retry,
    };
    int64_t id = sqlite3_column_int64(stmt, 0);
    write_error(lost, fate.outcome, id, sqlite3_column_int64(stmt, 5));
    lost->remote = (struct stk_remote){
        .phase = STK_REMOTE_ADOPTING,
        .submitted_at = sqlite3_column_int64(stmt, 8),
        .poll_at = now,
        .progress = -1,
    };
    lost->settle = (struct stk_settle){
        .id = id,
        .attempt_id = sqlite3_column_int64(stmt, 1),
        .outcome = fate.outcome,
        .to = stk_lifecycle_settle(&facts, fate.outcome, now, 0, stk_rand_u64()),
        .remote = fate.adopts ? &lost->remote : NULL,
        .error = fate.goes_on ? NULL : lost->error,
        .exit_status = -1,
    };
}

static enum stk_rc find_lost(struct stk_sqlite *self, int64_t alive, const struct bound *bound,
                             stk_time_ns now, struct stk_bulk *bulk, struct lost_job *lost,
                             size_t *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_STEP_LOST];
    (void)sqlite3_bind_int64(stmt, 1, bulk->cursor);
    (void)sqlite3_bind_int64(stmt, 2, STK_STORE_CHUNK);
    (void)sqlite3_bind_int64(stmt, 3, alive);

    size_t count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "look for lost jobs", &row, err)) == STK_OK && row) {
        bulk->cursor = sqlite3_column_int64(stmt, 0);
        note_lost(&lost[count++], stmt, bound, now);
    }
    bulk->more = count == STK_STORE_CHUNK;
    if (rc == STK_OK) *ret_count = count;
    return rc;
}

static void free_lostp(struct lost_job **lost)
{
    free(*lost);
}

enum stk_rc stk_sqlite_rescue(struct stk_store *store, int64_t pool_id, stk_bound_fn of,
                              void *context, stk_time_ns now, struct stk_bulk *bulk,
                              struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    const struct bound bound = { .of = of, .context = context };
    STK_CLEANUP(free_lostp)
    struct lost_job *lost = stk_realloc(NULL, STK_STORE_CHUNK, sizeof(*lost));

    size_t count = 0;
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK && bulk->cursor == 0) rc = end_pools(self, pool_id, now, err);
    if (rc == STK_OK) rc = find_lost(self, pool_id, &bound, now, bulk, lost, &count, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        rc = stk_sqlite_settle(store, &lost[i].settle, 1, now, err);
        if (rc == STK_OK && lost[i].settle.accepted) bulk->changed++;
        if (rc == STK_OK && !lost[i].settle.accepted) bulk->skipped++;
    }
    return rc;
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
