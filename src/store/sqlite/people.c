/* SPDX-License-Identifier: MIT
 *
 * What people do to jobs: cancel and retry, in bounded steps. A step first
 * gathers its jobs, then changes them, so that no statement walks an index
 * that another one changes.
 */
#include "store/deed.h"
#include "store/sqlite/sqlite.h"

#include <stdlib.h>

#include "base/alloc.h"

struct step_job {
    int64_t id, task_id, queue_id, sweep_id;
    enum stk_state state;
};
struct step {
    struct step_job *jobs;
    size_t count;
    size_t looked;
};

static void release_step(struct step *step)
{
    free(step->jobs);
}

static sqlite3_stmt *bind_step(struct stk_sqlite *self, const struct stk_job_range *range,
                               int64_t cursor)
{
    enum stmt which = range->sweep_id != 0 ? STMT_STEP_SWEEP
                      : range->state >= 0  ? STMT_STEP_STATE
                                           : STMT_STEP_RANGE;
    sqlite3_stmt *stmt = self->stmts[which];
    int64_t after = cursor >= range->first ? cursor : range->first - 1;
    (void)sqlite3_bind_int64(stmt, 1, after);
    (void)sqlite3_bind_int64(stmt, 2, range->last);
    if (which == STMT_STEP_SWEEP) (void)sqlite3_bind_int64(stmt, 3, range->sweep_id);
    if (which == STMT_STEP_STATE) {
        (void)sqlite3_bind_int64(stmt, 3, STK_STORE_CHUNK);
        stk_sqlite_bind_text(stmt, 4, stk_state_name((enum stk_state)range->state));
    }
    return stmt;
}

static void add_step_job(struct step *step, sqlite3_stmt *stmt, enum stk_state state)
{
    step->jobs[step->count++] = (struct step_job){
        .id = sqlite3_column_int64(stmt, 0),
        .state = state,
        .task_id = sqlite3_column_int64(stmt, 2),
        .queue_id = sqlite3_column_int64(stmt, 3),
        .sweep_id = sqlite3_column_int64(stmt, 4),
    };
}

static enum stk_rc gather(struct stk_sqlite *self, const struct stk_deed *deed,
                          struct stk_bulk *bulk, struct step *step, struct stk_error *err)
{
    const struct stk_job_range *range = deed->range;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = bind_step(self, range, bulk->cursor);
    step->jobs = stk_realloc(NULL, STK_STORE_CHUNK, sizeof(*step->jobs));
    bulk->more = false;

    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "look for jobs", &row, err)) == STK_OK && row) {
        enum stk_state state = stk_sqlite_state(stmt, 1);
        bulk->cursor = sqlite3_column_int64(stmt, 0);
        step->looked++;
        if (stk_deed_takes(deed, state, bulk)) add_step_job(step, stmt, state);
        bulk->more = step->count == STK_STORE_CHUNK || step->looked == STK_DEED_LOOK_MAX;
        if (bulk->more) break;
    }
    /* Task by task, the statement itself ends at a chunk. */
    if (step->looked == STK_STORE_CHUNK) bulk->more = true;
    return rc;
}

/* --- is there anything? -------------------------------------------------- */

static enum stk_rc check_range(struct stk_sqlite *self, const struct stk_deed *deed,
                               struct stk_error *err)
{
    const struct stk_job_range *range = deed->range;
    bool in_sweep = range->sweep_id != 0;
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = self->stmts[in_sweep ? STMT_RANGE_EXISTS_SWEEP : STMT_RANGE_EXISTS];
    (void)sqlite3_bind_int64(stmt, 1, range->first);
    (void)sqlite3_bind_int64(stmt, 2, range->last);
    if (in_sweep) (void)sqlite3_bind_int64(stmt, 3, range->sweep_id);

    int64_t exists = 0;
    enum stk_rc rc = stk_sqlite_number(self, stmt, "look for jobs", 0, &exists, err);
    if (rc != STK_OK || exists == 1) return rc;
    return stk_deed_fail_none(deed, err);
}

static enum stk_rc begin_step(struct stk_sqlite *self, const struct stk_deed *deed,
                              struct stk_bulk *bulk, struct step *step, struct stk_error *err)
{
    bool is_first = bulk->cursor == 0;
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = gather(self, deed, bulk, step, err);
    if (rc == STK_OK && is_first && step->looked == 0) rc = check_range(self, deed, err);
    return rc;
}

/* --- cancel -------------------------------------------------------------- */

static enum stk_rc cancel_pending(struct stk_sqlite *self, const struct step_job *job,
                                  const char *error, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_CANCEL];
    (void)sqlite3_bind_int64(stmt, 1, job->id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    stk_sqlite_bind_text(stmt, 3, error);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "cancel a job", err);
    if (rc != STK_OK) return rc;
    stk_sqlite_count(self, job->sweep_id, job->queue_id, job->task_id, job->state,
                     STK_STATE_CANCELLED, now);
    return STK_OK;
}

static enum stk_rc ask_running(struct stk_sqlite *self, const struct step_job *job,
                               const char *error, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_CANCEL_ASK];
    (void)sqlite3_bind_int64(stmt, 1, job->id);
    stk_sqlite_bind_text(stmt, 2, error);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "ask a job to stop", err);
    if (rc != STK_OK || !self->has_remote) return rc;
    return stk_sqlite_remote_hurry(self, job->id, now, err);
}

enum stk_rc stk_sqlite_cancel(struct stk_store *store, const struct stk_job_range *range,
                              const char *reason, const char *actor, stk_time_ns now,
                              struct stk_bulk *bulk, void (*running)(void *context, int64_t job_id),
                              void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    struct stk_deed deed = { STK_ACTION_CANCEL, range, reason, actor, now };
    STK_CLEANUP(stk_freep) char *error = stk_deed_make_error(&deed);
    STK_CLEANUP(release_step) struct step step = { 0 };

    enum stk_rc rc = begin_step(self, &deed, bulk, &step, err);
    for (size_t i = 0; i < step.count && rc == STK_OK; i++) {
        const struct step_job *job = &step.jobs[i];
        bool runs = job->state == STK_STATE_RUNNING;
        rc = runs ? ask_running(self, job, error, now, err)
                  : cancel_pending(self, job, error, now, err);
        if (runs) bulk->asked++;
        if (!runs) bulk->changed++;
        if (runs && rc == STK_OK && running != NULL) running(context, job->id);
    }
    return rc != STK_OK ? rc : stk_deed_tell(store, &deed, bulk, err);
}

/* --- retry --------------------------------------------------------------- */

static enum stk_rc keep_completed(struct stk_sqlite *self, int64_t id, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_ATTEMPT_KEEP];
    (void)sqlite3_bind_int64(stmt, 1, id);
    return stk_sqlite_run(self, stmt, "keep a completed attempt", err);
}

static enum stk_rc retry_one(struct stk_sqlite *self, const struct step_job *job, stk_time_ns now,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_RETRY];
    bool completed = job->state == STK_STATE_COMPLETED;
    enum stk_rc rc = completed ? keep_completed(self, job->id, err) : STK_OK;
    if (rc != STK_OK) return rc;

    (void)sqlite3_bind_int64(stmt, 1, job->id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    rc = stk_sqlite_run(self, stmt, "put a job back", err);
    if (rc != STK_OK) return rc;
    stk_sqlite_count(self, job->sweep_id, job->queue_id, job->task_id, job->state,
                     STK_STATE_PENDING, now);
    return STK_OK;
}

enum stk_rc stk_sqlite_retry(struct stk_store *store, const struct stk_job_range *range,
                             const char *reason, const char *actor, stk_time_ns now,
                             struct stk_bulk *bulk, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    struct stk_deed deed = { STK_ACTION_RETRY, range, reason, actor, now };
    STK_CLEANUP(release_step) struct step step = { 0 };

    enum stk_rc rc = begin_step(self, &deed, bulk, &step, err);
    for (size_t i = 0; i < step.count && rc == STK_OK; i++) {
        rc = retry_one(self, &step.jobs[i], now, err);
        bulk->changed++;
    }
    return rc != STK_OK ? rc : stk_deed_tell(store, &deed, bulk, err);
}
