/* SPDX-License-Identifier: MIT
 *
 * Settling: the one place where an attempt ends. Each statement repeats the
 * guard (the attempt id, and that the job runs), so a second outcome changes
 * no row; the schema's CHECKs stand behind it.
 */
#include "store/ending.h"
#include "store/sqlite/sqlite.h"

static enum stk_rc find_held(struct stk_sqlite *self, const struct stk_settle *settle,
                             struct stk_held *ret, bool *ret_found, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_RUNNING];
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, settle->attempt_id);

    enum stk_rc rc = stk_sqlite_next(self, stmt, "find the attempt's job", ret_found, err);
    if (rc != STK_OK || !*ret_found) return rc;
    *ret = (struct stk_held){
        .task_id = sqlite3_column_int64(stmt, 0),
        .queue_id = sqlite3_column_int64(stmt, 1),
        .sweep_id = sqlite3_column_int64(stmt, 2),
        .cancel = sqlite3_column_int(stmt, 3) == 1,
        .attempt = sqlite3_column_int64(stmt, 4),
        .retries = sqlite3_column_int64(stmt, 5),
        .pool_id = sqlite3_column_int64(stmt, 6),
        .worker = sqlite3_column_int64(stmt, 7),
        .started_at = sqlite3_column_int64(stmt, 8),
        .task = stk_words_task_name(&self->words, sqlite3_column_int64(stmt, 0)),
        .queue = stk_words_queue_name(&self->words, sqlite3_column_int64(stmt, 1)),
    };
    return STK_OK;
}

/* --- the job's row ------------------------------------------------------- */

static sqlite3_stmt *bind_complete(struct stk_sqlite *self, const struct stk_settle *settle,
                                   stk_time_ns now)
{
    sqlite3_stmt *stmt = self->stmts[STMT_JOB_COMPLETE];
    size_t len = 0;
    const char *result = stk_ending_result(settle, &self->text, &len);
    (void)sqlite3_bind_int64(stmt, 3, now);
    (void)sqlite3_bind_text64(stmt, 4, result, len, SQLITE_STATIC, SQLITE_UTF8);
    return stmt;
}

static void bind_counters(sqlite3_stmt *stmt, int at, const struct stk_transition *to)
{
    (void)sqlite3_bind_int(stmt, at, to->counter == STK_COUNTER_THROTTLES ? 1 : 0);
    (void)sqlite3_bind_int(stmt, at + 1, to->counter == STK_COUNTER_SESSION_WAITS ? 1 : 0);
    (void)sqlite3_bind_int(stmt, at + 2, to->counter == STK_COUNTER_INTERRUPTIONS ? 1 : 0);
}

static sqlite3_stmt *bind_put_back(struct stk_sqlite *self, const struct stk_transition *to,
                                   const char *error, stk_time_ns now)
{
    sqlite3_stmt *stmt = self->stmts[STMT_JOB_PUT_BACK];
    bool is_due = to->ready_at != STK_NEVER && to->ready_at <= now;
    stk_sqlite_bind_time(stmt, 3, to->ready_at);
    (void)sqlite3_bind_int(stmt, 4, is_due ? 1 : 0);
    stk_sqlite_bind_text(stmt, 5, to->held);
    stk_sqlite_bind_text(stmt, 6, error);
    (void)sqlite3_bind_int(stmt, 7, to->counts ? 0 : 1);
    bind_counters(stmt, 8, to);
    return stmt;
}

static sqlite3_stmt *bind_end(struct stk_sqlite *self, const struct stk_transition *to,
                              const char *error, stk_time_ns now)
{
    sqlite3_stmt *stmt = self->stmts[STMT_JOB_END];
    (void)sqlite3_bind_int64(stmt, 3, now);
    stk_sqlite_bind_text(stmt, 4, stk_state_name(to->state));
    stk_sqlite_bind_text(stmt, 5, error);
    (void)sqlite3_bind_int(stmt, 6, to->counts ? 0 : 1);
    bind_counters(stmt, 7, to);
    return stmt;
}

static sqlite3_stmt *bind_park(struct stk_sqlite *self, const struct stk_transition *to,
                               const char *error)
{
    sqlite3_stmt *stmt = self->stmts[STMT_JOB_PARK];
    stk_sqlite_bind_text(stmt, 3, error);
    bind_counters(stmt, 4, to);
    return stmt;
}

static sqlite3_stmt *bind_job(struct stk_sqlite *self, const struct stk_settle *settle,
                              const char *error, stk_time_ns now)
{
    switch (settle->to.state) {
    case STK_STATE_COMPLETED: return bind_complete(self, settle, now);
    case STK_STATE_PENDING: return bind_put_back(self, &settle->to, error, now);
    case STK_STATE_RUNNING: return bind_park(self, &settle->to, error);
    case STK_STATE_FAILED:
    case STK_STATE_CANCELLED:
    case STK_STATE_COUNT_: break;
    }
    return bind_end(self, &settle->to, error, now);
}

static enum stk_rc write_job(struct stk_sqlite *self, const struct stk_settle *settle,
                             const char *error, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = bind_job(self, settle, error, now);
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, settle->attempt_id);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "end an attempt", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    /* The guard held a moment ago: of its conditions only the last is left. */
    return stk_fail(err, STK_CONFLICT, STK_ENDING_BAD_RESULT);
}

/* --- history ------------------------------------------------------------- */

static enum stk_rc add_attempt(struct stk_sqlite *self, const struct stk_settle *settle,
                               const struct stk_held *held, const char *error, stk_time_ns now,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_ATTEMPT_ADD];
    size_t len = 0;
    const char *tail = stk_ending_tail(settle, &len);
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, held->retries);
    (void)sqlite3_bind_int64(stmt, 3, held->attempt);
    (void)sqlite3_bind_int64(stmt, 4, settle->attempt_id);
    stk_sqlite_bind_text(stmt, 5, stk_outcome_name(settle->outcome));
    if (settle->exit_status >= 0) (void)sqlite3_bind_int(stmt, 6, settle->exit_status);
    (void)sqlite3_bind_int64(stmt, 7, held->pool_id);
    (void)sqlite3_bind_int64(stmt, 8, held->worker);
    (void)sqlite3_bind_int64(stmt, 9, held->started_at);
    (void)sqlite3_bind_int64(stmt, 10, now);
    stk_sqlite_bind_text(stmt, 11, error);
    (void)sqlite3_bind_text64(stmt, 12, tail, len, SQLITE_STATIC, SQLITE_UTF8);
    return stk_sqlite_run(self, stmt, "keep an attempt", err);
}

/* --- settling ------------------------------------------------------------ */

static enum stk_rc is_first_held(struct stk_sqlite *self, const struct stk_held *held,
                                 const struct stk_settle *settle, bool *ret, struct stk_error *err)
{
    int64_t others = 0;
    sqlite3_stmt *stmt = self->stmts[STMT_HELD_EXISTS];
    if (settle->to.held == NULL) return STK_OK;
    (void)sqlite3_bind_int64(stmt, 1, held->task_id);
    enum stk_rc rc = stk_sqlite_number(self, stmt, "look for held jobs", 0, &others, err);
    *ret = rc == STK_OK && others == 0;
    return rc;
}

/* What is known of it elsewhere goes with the attempt, or is written anew. */
static enum stk_rc write_remote(struct stk_sqlite *self, const struct stk_settle *settle,
                                const struct stk_held *held, stk_time_ns now, struct stk_error *err)
{
    if (settle->to.state == STK_STATE_RUNNING) {
        return stk_sqlite_remote_park(self, settle, held->queue_id, held->cancel, now, err);
    }
    return self->has_remote ? stk_sqlite_remote_forget(self, settle->id, err) : STK_OK;
}

static enum stk_rc write_both(struct stk_sqlite *self, const struct stk_settle *settle,
                              const struct stk_held *held, const char *error, stk_time_ns now,
                              struct stk_error *err)
{
    enum stk_rc rc = write_job(self, settle, error, now, err);
    return rc != STK_OK ? rc : write_remote(self, settle, held, now, err);
}

static enum stk_rc settle_held(struct stk_sqlite *self, const struct stk_settle *given,
                               const struct stk_held *held, stk_time_ns now, bool *ret_accepted,
                               struct stk_error *err)
{
    struct stk_settle settle = stk_ending_heed(given, held);
    struct stk_error own = { 0 };
    bool first_held = false;

    enum stk_rc rc = is_first_held(self, held, &settle, &first_held, err);
    if (rc != STK_OK) return rc;
    const char *error = stk_ending_error(&settle, &self->text);
    rc = write_both(self, &settle, held, error, now, &own);
    if (rc == STK_CONFLICT) {
        settle = stk_ending_fail(&settle, own.text);
        error = stk_ending_error(&settle, &self->text);
        rc = write_both(self, &settle, held, error, now, &own);
    }
    if (rc != STK_OK) return stk_fail(err, rc, "%s", own.text);

    if (stk_ending_keeps_row(&settle)) rc = add_attempt(self, &settle, held, error, now, err);
    if (rc == STK_OK) rc = stk_ending_tell(&self->base, &settle, held, error, now, err);
    if (rc == STK_OK && first_held) {
        rc = stk_ending_tell_held(&self->base, &settle, held, now, err);
    }
    if (rc != STK_OK) return rc;

    *ret_accepted = true;
    if (settle.to.state == STK_STATE_RUNNING) return STK_OK;
    stk_sqlite_count(self, held->sweep_id, held->queue_id, held->task_id, STK_STATE_RUNNING,
                     settle.to.state, now);
    if (settle.to.ready_at > now) stk_sqlite_due_by(self, settle.to.ready_at);
    return STK_OK;
}

/* The common case: a job claimed lately has completed. *ret_done false: not
 * that case, or something is in the way; the long way finds out what. */
static enum stk_rc settle_shortly(struct stk_sqlite *self, struct stk_settle *settle,
                                  stk_time_ns now, bool *ret_done, struct stk_error *err)
{
    const struct claimed *claimed = stk_sqlite_claimed_place(self, settle->id);
    bool is_known = claimed->id == settle->id && claimed->attempt_id == settle->attempt_id;
    *ret_done = false;
    if (!is_known || settle->to.state != STK_STATE_COMPLETED) return STK_OK;

    enum stk_rc rc = write_job(self, settle, NULL, now, err);
    if (rc == STK_CONFLICT) return STK_OK;
    if (rc == STK_OK && claimed->is_remote) rc = stk_sqlite_remote_forget(self, settle->id, err);
    if (rc != STK_OK) return rc;
    stk_sqlite_count(self, claimed->sweep_id, claimed->queue_id, claimed->task_id,
                     STK_STATE_RUNNING, STK_STATE_COMPLETED, now);
    settle->accepted = true;
    *ret_done = true;
    return STK_OK;
}

static enum stk_rc settle_one(struct stk_sqlite *self, struct stk_settle *settle, stk_time_ns now,
                              struct stk_error *err)
{
    struct stk_held held = { 0 };
    bool done = false;
    bool found = false;
    settle->accepted = false;
    enum stk_rc rc = settle_shortly(self, settle, now, &done, err);
    if (rc != STK_OK || done) return rc;

    rc = find_held(self, settle, &held, &found, err);
    if (rc != STK_OK) return rc;
    if (!found) return stk_ending_refuse(&self->base, settle, now, err);
    return settle_held(self, settle, &held, now, &settle->accepted, err);
}

enum stk_rc stk_sqlite_settle(struct stk_store *store, struct stk_settle *settles, size_t count,
                              stk_time_ns now, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = stk_sqlite_words(self, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        rc = settle_one(self, &settles[i], now, err);
    }
    return rc;
}
