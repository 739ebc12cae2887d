/* SPDX-License-Identifier: MIT
 *
 * Submitting: one INSERT a job, which changes nothing when the key or the sweep
 * has the job already; only then is it looked up.
 */
#include "store/sqlite/sqlite.h"

#include <string.h>

#include "base/fault.h"
#include "base/rand.h"

static enum stk_rc insert(struct stk_sqlite *self, sqlite3_stmt *stmt,
                          const struct stk_new_job *job, const struct stk_task_word *task,
                          stk_time_ns now, bool *ret_new, struct stk_error *err)
{
    unsigned char identity[16];
    bool is_due = job->ready_at <= now;
    stk_time_ns ready_at = is_due ? now : job->ready_at;

    (void)sqlite3_bind_int64(stmt, 1, task->id);
    (void)sqlite3_bind_int64(stmt, 2, task->queue_id);
    stk_sqlite_bind_id(stmt, 3, job->sweep_id);
    (void)sqlite3_bind_int(stmt, 4, is_due ? 1 : 0);
    (void)sqlite3_bind_int(stmt, 5, job->priority);
    (void)sqlite3_bind_int64(stmt, 6, ready_at);
    (void)sqlite3_bind_int64(stmt, 7, now);
    stk_sqlite_bind_text(stmt, 8, job->key);
    if (job->sweep_id == 0) {
        (void)sqlite3_bind_null(stmt, 9);
    } else {
        stk_hash128(job->params, job->params_len, identity);
        (void)sqlite3_bind_blob(stmt, 9, identity, sizeof(identity), SQLITE_STATIC);
    }
    (void)sqlite3_bind_text(stmt, 10, job->params, (int)job->params_len, SQLITE_STATIC);

    enum stk_rc rc = stk_sqlite_run(self, stmt, "submit a job", err);
    if (rc != STK_OK) return rc;
    *ret_new = sqlite3_changes(self->db) > 0;
    if (*ret_new && !is_due) stk_sqlite_due_by(self, ready_at);
    return STK_OK;
}

static enum stk_rc find_by_key(struct stk_sqlite *self, const struct stk_new_job *job,
                               int64_t *ret_id, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_BY_KEY];
    (void)sqlite3_bind_int64(stmt, 1, job->task_id);
    stk_sqlite_bind_text(stmt, 2, job->key);

    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "find a job by its key", &row, err);
    if (rc != STK_OK || !row) return rc;
    int64_t id = sqlite3_column_int64(stmt, 0);
    const char *params = stk_sqlite_text(stmt, 1);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 1);
    bool same = len == job->params_len && memcmp(params, job->params, len) == 0;
    rc = stk_sqlite_next(self, stmt, "find a job by its key", &row, err);
    if (rc != STK_OK) return rc;
    if (!same) {
        return stk_fail(err, STK_CONFLICT, "key \"%s\" is taken by job %lld with other parameters",
                        job->key, (long long)id);
    }
    *ret_id = id;
    return STK_OK;
}

static enum stk_rc find_by_identity(struct stk_sqlite *self, const struct stk_new_job *job,
                                    int64_t *ret_id, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_BY_IDENTITY];
    unsigned char identity[16];
    stk_hash128(job->params, job->params_len, identity);
    (void)sqlite3_bind_int64(stmt, 1, job->sweep_id);
    (void)sqlite3_bind_blob(stmt, 2, identity, sizeof(identity), SQLITE_STATIC);
    return stk_sqlite_number(self, stmt, "find a job of the sweep", 0, ret_id, err);
}

static enum stk_rc find_existing(struct stk_sqlite *self, const struct stk_new_job *job,
                                 int64_t *ret_id, struct stk_error *err)
{
    int64_t id = 0;
    enum stk_rc rc = job->key != NULL ? find_by_key(self, job, &id, err) : STK_OK;
    if (rc == STK_OK && id == 0 && job->sweep_id != 0) rc = find_by_identity(self, job, &id, err);
    if (rc != STK_OK) return rc;
    if (id == 0)
        return stk_fail(err, STK_INTERNAL, "a job was refused, and none stands in its way");
    *ret_id = id;
    return STK_OK;
}

static enum stk_rc submit_one(struct stk_sqlite *self, sqlite3_stmt *stmt,
                              const struct stk_new_job *job, stk_time_ns now,
                              struct stk_submitted *ret, struct stk_error *err)
{
    const struct stk_task_word *task = stk_words_task(&self->words, job->task_id);
    if (task == NULL) {
        return stk_fail(err, STK_INVALID, "there is no task %lld", (long long)job->task_id);
    }
    bool is_new = false;
    enum stk_rc rc = insert(self, stmt, job, task, now, &is_new, err);
    if (rc != STK_OK) return rc;
    if (!is_new) {
        ret->existing = true;
        return find_existing(self, job, &ret->id, err);
    }
    *ret = (struct stk_submitted){ .id = sqlite3_last_insert_rowid(self->db) };
    stk_sqlite_count(self, job->sweep_id, task->queue_id, task->id, STK_STATE_COUNT_,
                     STK_STATE_PENDING, now);
    return STK_OK;
}

/* Takes the first `count` jobs of a failed call back. The new ones are the
 * newest rows of the table, so no savepoint is needed (one would copy each
 * page that is touched). */
static enum stk_rc take_back(struct stk_sqlite *self, const struct stk_new_job *jobs, size_t count,
                             stk_time_ns now, const struct stk_submitted *submitted,
                             struct stk_error *err)
{
    int64_t first = 0;
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (submitted[i].existing) continue;
        if (first == 0) first = submitted[i].id;
        last = submitted[i].id;
        const struct stk_task_word *task = stk_words_task(&self->words, jobs[i].task_id);
        stk_sqlite_count(self, jobs[i].sweep_id, task->queue_id, task->id, STK_STATE_PENDING,
                         STK_STATE_COUNT_, now);
    }
    if (first == 0) return STK_OK;

    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_UNSUBMIT];
    (void)sqlite3_bind_int64(stmt, 1, first);
    (void)sqlite3_bind_int64(stmt, 2, last);
    return stk_sqlite_run(self, stmt, "take back a submit", err);
}

enum stk_rc stk_sqlite_submit(struct stk_store *store, const struct stk_new_job *jobs, size_t count,
                              stk_time_ns now, struct stk_submitted *ret, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_SUBMIT];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = stk_sqlite_words(self, err);
    if (rc != STK_OK) return rc;
    if (stk_fault(STK_FAULT_SUBMIT_BEFORE)) {
        return stk_fail(err, STK_UNAVAILABLE, "could not submit: a fault was asked for");
    }

    for (size_t i = 0; i < count; i++) {
        rc = submit_one(self, stmt, &jobs[i], now, &ret[i], err);
        if (rc == STK_OK) continue;
        enum stk_rc undo = take_back(self, jobs, i, now, ret, NULL);
        return undo == STK_OK ? rc : stk_fail(err, undo, "could not take back a failed submit");
    }

    if (stk_fault(STK_FAULT_SUBMIT_INSERTED)) {
        return stk_fail(err, STK_UNAVAILABLE, "could not submit: a fault was asked for");
    }
    return STK_OK;
}
