/* SPDX-License-Identifier: MIT
 *
 * Settling: the one place where an attempt ends. Each statement repeats the
 * guard (the attempt id, and that the job runs), so a second outcome changes
 * no row; the schema's CHECKs stand behind it. Completed jobs that were claimed
 * here are written together (complete.c); all others are locked first, one by
 * one, and leave their history.
 */
#include "store/ending.h"
#include "store/pg/pg.h"

static enum stk_rc find_held(struct stk_pg *self, const struct stk_settle *settle,
                             struct stk_held *ret, bool *ret_found, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, settle->attempt_id);
    enum stk_rc rc = stk_pg_run(self, STMT_JOB_RUNNING, "find the attempt's job", &rows, err);
    *ret_found = rc == STK_OK && rows.count == 1;
    if (!*ret_found) return rc;
    *ret = (struct stk_held){
        .task_id = stk_pg_int(&rows, 0, 0),
        .queue_id = stk_pg_int(&rows, 0, 1),
        .sweep_id = stk_pg_int(&rows, 0, 2),
        .cancel = stk_pg_bool(&rows, 0, 3),
        .attempt = stk_pg_int(&rows, 0, 4),
        .retries = stk_pg_int(&rows, 0, 5),
        .pool_id = stk_pg_int(&rows, 0, 6),
        .worker = stk_pg_int(&rows, 0, 7),
        .started_at = stk_pg_int(&rows, 0, 8),
        .rank = stk_pg_int(&rows, 0, 9),
        .task = stk_words_task_name(&self->words, stk_pg_int(&rows, 0, 0)),
        .queue = stk_words_queue_name(&self->words, stk_pg_int(&rows, 0, 1)),
    };
    return STK_OK;
}

/* --- the job's row ------------------------------------------------------- */

static void arg_guard(struct stk_pg *self, const struct stk_settle *settle)
{
    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, settle->attempt_id);
}

static void arg_counters(struct stk_pg *self, const struct stk_transition *to)
{
    stk_pg_arg_int(self, to->counter == STK_COUNTER_THROTTLES ? 1 : 0);
    stk_pg_arg_int(self, to->counter == STK_COUNTER_SESSION_WAITS ? 1 : 0);
    stk_pg_arg_int(self, to->counter == STK_COUNTER_INTERRUPTIONS ? 1 : 0);
}

static enum stmt arg_put_back(struct stk_pg *self, const struct stk_settle *settle,
                              const char *error, stk_time_ns now)
{
    const struct stk_transition *to = &settle->to;
    stk_pg_arg_time(self, to->ready_at);
    stk_pg_arg_bool(self, to->ready_at != STK_NEVER && to->ready_at <= now);
    stk_pg_arg_text(self, to->held);
    stk_pg_arg_text(self, error);
    stk_pg_arg_int(self, to->counts ? 0 : 1);
    arg_counters(self, to);
    return STMT_JOB_PUT_BACK;
}

static enum stmt arg_end(struct stk_pg *self, const struct stk_settle *settle, const char *error,
                         stk_time_ns now)
{
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, stk_state_name(settle->to.state));
    stk_pg_arg_text(self, error);
    stk_pg_arg_int(self, settle->to.counts ? 0 : 1);
    arg_counters(self, &settle->to);
    return STMT_JOB_END;
}

static enum stmt arg_park(struct stk_pg *self, const struct stk_settle *settle, const char *error)
{
    stk_pg_arg_text(self, error);
    arg_counters(self, &settle->to);
    return STMT_JOB_PARK;
}

static enum stmt arg_complete(struct stk_pg *self, const struct stk_settle *settle, stk_time_ns now)
{
    size_t len = 0;
    const char *result = stk_ending_result(settle, &self->text, &len);
    stk_pg_arg_int(self, now);
    stk_pg_arg_bytes(self, result, len);
    return STMT_JOB_COMPLETE;
}

/* Its job is locked and runs under this attempt: the guard holds. */
static enum stk_rc write_job(struct stk_pg *self, const struct stk_settle *settle,
                             const char *error, stk_time_ns now, struct stk_error *err)
{
    enum stmt stmt = STMT_JOB_END;
    arg_guard(self, settle);
    switch (settle->to.state) {
    case STK_STATE_COMPLETED: stmt = arg_complete(self, settle, now); break;
    case STK_STATE_PENDING: stmt = arg_put_back(self, settle, error, now); break;
    case STK_STATE_RUNNING: stmt = arg_park(self, settle, error); break;
    case STK_STATE_FAILED:
    case STK_STATE_CANCELLED:
    case STK_STATE_COUNT_: stmt = arg_end(self, settle, error, now); break;
    }
    return stk_pg_send(self, stmt, "end an attempt", NULL, NULL, err);
}

/* --- history ------------------------------------------------------------- */

static enum stk_rc add_attempt(struct stk_pg *self, const struct stk_settle *settle,
                               const struct stk_held *held, const char *error, stk_time_ns now,
                               struct stk_error *err)
{
    size_t len = 0;
    const char *tail = stk_ending_tail(settle, &len);
    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, held->retries);
    stk_pg_arg_int(self, held->attempt);
    stk_pg_arg_int(self, settle->attempt_id);
    stk_pg_arg_text(self, stk_outcome_name(settle->outcome));
    stk_pg_arg_time(self, settle->exit_status >= 0 ? settle->exit_status : STK_NEVER);
    stk_pg_arg_int(self, held->pool_id);
    stk_pg_arg_int(self, held->worker);
    stk_pg_arg_int(self, held->started_at);
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, error);
    stk_pg_arg_bytes(self, tail, len);
    return stk_pg_send(self, STMT_ATTEMPT_ADD, "keep an attempt", NULL, NULL, err);
}

/* --- one by one ---------------------------------------------------------- */

static enum stk_rc is_first_held(struct stk_pg *self, const struct stk_held *held,
                                 const struct stk_settle *settle, bool *ret, struct stk_error *err)
{
    int64_t others = 0;
    if (settle->to.held == NULL) return STK_OK;
    stk_pg_arg_int(self, held->task_id);
    enum stk_rc rc = stk_pg_number(self, STMT_HELD_EXISTS, "look for held jobs", 0, &others, err);
    *ret = rc == STK_OK && others == 0;
    return rc;
}

/* What is known of it elsewhere goes with the attempt, or is written anew. */
static enum stk_rc write_remote(struct stk_pg *self, const struct stk_settle *settle,
                                const struct stk_held *held, stk_time_ns now, struct stk_error *err)
{
    if (settle->to.state == STK_STATE_RUNNING) {
        return stk_pg_remote_park(self, settle, held->queue_id, held->cancel, now, err);
    }
    return self->has_remote ? stk_pg_remote_forget(self, settle->id, err) : STK_OK;
}

/* As the schema has it: a pending job is ready at some time, or held. */
static bool is_bad_move(const struct stk_settle *settle)
{
    bool is_held = settle->to.held != NULL, is_ready = settle->to.ready_at != STK_NEVER;
    return settle->to.state == STK_STATE_PENDING && is_held == is_ready;
}

static enum stk_rc write_all(struct stk_pg *self, const struct stk_settle *settle,
                             const struct stk_held *held, stk_time_ns now, struct stk_error *err)
{
    const char *error = stk_ending_error(settle, &self->text);
    enum stk_rc rc = write_job(self, settle, error, now, err);
    if (rc == STK_OK && stk_ending_keeps_row(settle)) {
        rc = add_attempt(self, settle, held, error, now, err);
    }
    return rc == STK_OK ? stk_ending_tell(&self->base, settle, held, error, now, err) : rc;
}

/* A park that the schema would forbid, or of which nothing is known, is found
 * out before anything of this settle is written. */
static enum stk_rc settle_held(struct stk_pg *self, const struct stk_settle *given,
                               const struct stk_held *held, stk_time_ns now, bool *ret_accepted,
                               struct stk_error *err)
{
    struct stk_settle settle = stk_ending_heed(given, held);
    struct stk_error own = { 0 };
    bool first_held = false;
    if (stk_pg_is_bad_result(&settle)) settle = stk_ending_fail(&settle, STK_ENDING_BAD_RESULT);
    if (is_bad_move(&settle)) settle = stk_ending_fail(&settle, "it would wait for nothing");
    enum stk_rc rc = is_first_held(self, held, &settle, &first_held, err);
    if (rc == STK_OK) rc = write_remote(self, &settle, held, now, &own);
    if (rc == STK_CONFLICT) {
        settle = stk_ending_fail(&settle, own.text);
        rc = write_remote(self, &settle, held, now, &own);
    }
    if (rc == STK_OK) rc = write_all(self, &settle, held, now, &own);
    if (rc != STK_OK) return stk_fail(err, rc, "%s", own.text);
    if (first_held) rc = stk_ending_tell_held(&self->base, &settle, held, now, err);
    if (rc != STK_OK) return rc;

    *ret_accepted = true;
    stk_pg_txn_settle(self, settle.id, settle.attempt_id);
    if (settle.to.state == STK_STATE_RUNNING) return STK_OK;
    stk_pg_count(self, held->sweep_id, held->queue_id, held->task_id, STK_STATE_RUNNING,
                 settle.to.state, now);
    if (settle.to.state != STK_STATE_PENDING || settle.to.ready_at == STK_NEVER) return STK_OK;
    if (settle.to.ready_at > now) {
        stk_pg_due_by(self, settle.to.ready_at);
        return STK_OK;
    }
    stk_pg_floor_lower(self, held->queue_id, held->rank, settle.id);
    stk_pg_hint(self, STK_HINT_JOBS);
    return STK_OK;
}

static enum stk_rc settle_one(struct stk_pg *self, struct stk_settle *settle, stk_time_ns now,
                              struct stk_error *err)
{
    struct stk_held held = { 0 };
    bool found = false;
    enum stk_rc rc = find_held(self, settle, &held, &found, err);
    if (rc != STK_OK) return rc;
    if (!found) return stk_ending_refuse(&self->base, settle, now, err);
    return settle_held(self, settle, &held, now, &settle->accepted, err);
}

/* --- all of them --------------------------------------------------------- */

static enum stk_rc settle_alone(struct stk_pg *self, struct stk_settle *settle, stk_time_ns now,
                                struct stk_error *err)
{
    settle->accepted = stk_pg_settled_lately(self, settle->id, settle->attempt_id);
    if (!settle->accepted) return settle_one(self, settle, now, err);
    stk_pg_txn_settle(self, settle->id, settle->attempt_id);
    return STK_OK;
}

enum stk_rc stk_pg_settle_late(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    if (self->late_count > 0) rc = stk_pg_collect(self, NULL, err);
    for (size_t i = 0; i < self->late_count && rc == STK_OK; i++) {
        rc = settle_alone(self, self->late[i].settle, self->late[i].now, err);
    }
    self->late_count = 0;
    return rc;
}

enum stk_rc stk_pg_settle(struct stk_store *store, struct stk_settle *settles, size_t count,
                          stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc == STK_OK) rc = stk_pg_complete(self, settles, count, now, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        if (!settles[i].accepted) rc = settle_alone(self, &settles[i], now, err);
    }
    return rc;
}

/* --- claims that nobody got ------------------------------------------------- */

static void bind_claims(struct stk_pg *self, const struct live *claims, size_t count,
                        stk_time_ns now)
{
    stk_pg_arg_int(self, now);
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, claims[i].id);
    }
    stk_pg_array_end(self);
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, claims[i].attempt_id);
    }
    stk_pg_array_end(self);
}

enum stk_rc stk_pg_claims_back(struct stk_pg *self, const struct live *claims, size_t count,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_time_ns now = stk_pg_now(&self->base);
    bind_claims(self, claims, count, now);
    enum stk_rc rc =
        stk_pg_send(self, STMT_POLLS_UNCLAIM, "give polls back", stk_pg_take_polls, NULL, err);
    if (rc != STK_OK) return rc;
    bind_claims(self, claims, count, now);
    rc = stk_pg_run(self, STMT_JOBS_UNCLAIM, "give claims back", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        stk_pg_count(self, stk_pg_int(&rows, i, 1), stk_pg_int(&rows, i, 2),
                     stk_pg_int(&rows, i, 3), STK_STATE_RUNNING, STK_STATE_PENDING, now);
        stk_pg_floor_lower(self, stk_pg_int(&rows, i, 2), stk_pg_int(&rows, i, 4),
                           stk_pg_int(&rows, i, 0));
    }
    return rc;
}
