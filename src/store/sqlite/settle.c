/* SPDX-License-Identifier: MIT
 *
 * Settling: the one place where an attempt ends. Each statement repeats the
 * guard (the attempt id, and that the job runs), so a second outcome changes
 * no row; the schema's CHECKs stand behind it.
 */
#include "store/sqlite/sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

enum { EVENT_TEXT_BYTES_MAX = 1000 };

/* The job whose attempt ends. */
struct held {
    int64_t task_id, queue_id, sweep_id, pool_id;
    bool cancel;
    int64_t attempt, retries, worker;
    stk_time_ns started_at;
};

static enum stk_rc find_held(struct stk_sqlite *self, const struct stk_settle *settle,
                             struct held *ret, bool *ret_found, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_RUNNING];
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, settle->attempt_id);

    enum stk_rc rc = stk_sqlite_next(self, stmt, "find the attempt's job", ret_found, err);
    if (rc != STK_OK || !*ret_found) return rc;
    *ret = (struct held){
        .task_id = sqlite3_column_int64(stmt, 0),
        .queue_id = sqlite3_column_int64(stmt, 1),
        .sweep_id = sqlite3_column_int64(stmt, 2),
        .cancel = sqlite3_column_int(stmt, 3) == 1,
        .attempt = sqlite3_column_int64(stmt, 4),
        .retries = sqlite3_column_int64(stmt, 5),
        .pool_id = sqlite3_column_int64(stmt, 6),
        .worker = sqlite3_column_int64(stmt, 7),
        .started_at = sqlite3_column_int64(stmt, 8),
    };
    return STK_OK;
}

/* --- texts --------------------------------------------------------------- */

/* At most len_max bytes, never half a character. */
static size_t cut_len(const char *text, size_t len, size_t len_max)
{
    if (len <= len_max) return len;
    while (len_max > 0 && ((unsigned char)text[len_max] & 0xC0) == 0x80) {
        len_max--;
    }
    return len_max;
}

/* The sentence that the job keeps, in self->text; NULL: none. */
static const char *make_error(struct stk_sqlite *self, const struct stk_settle *settle)
{
    const char *error = settle->error;
    bool is_final = settle->to.state == STK_STATE_FAILED || settle->to.state == STK_STATE_CANCELLED;
    if (error == NULL && is_final) error = stk_outcome_meaning(settle->outcome);
    if (error == NULL) return NULL;

    const char *note = settle->to.note;
    size_t note_len = note != NULL ? strlen(note) + 3 : 0;
    assert(note_len < STK_ERROR_BYTES_MAX);
    stk_buf_clear(&self->text);
    stk_buf_add(&self->text, error, cut_len(error, strlen(error), STK_ERROR_BYTES_MAX - note_len));
    if (note != NULL) stk_buf_addf(&self->text, " (%s)", note);
    return stk_buf_str(&self->text);
}

/* A text as a JSON string; what is no UTF-8 is escaped first. */
static void make_json_string(struct stk_buf *buf, const char *text, size_t len)
{
    stk_buf_clear(buf);
    if (stk_utf8_is_valid(text, len)) {
        stk_json_add_string(buf, text, len);
        return;
    }
    struct stk_buf escaped = STK_BUF_INIT;
    stk_text_add_escaped(&escaped, text, len);
    stk_json_add_string(buf, stk_buf_str(&escaped), escaped.len);
    stk_buf_release(&escaped);
}

/* --- the job's row ------------------------------------------------------- */

static sqlite3_stmt *bind_complete(struct stk_sqlite *self, const struct stk_settle *settle,
                                   stk_time_ns now)
{
    sqlite3_stmt *stmt = self->stmts[STMT_JOB_COMPLETE];
    const char *result = settle->result;
    size_t len = settle->result_len;
    if (result != NULL && settle->result_is_text) {
        make_json_string(&self->text, result, len);
        result = self->text.data;
        len = self->text.len;
    }
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
    return stk_fail(err, STK_CONFLICT, "its result is not valid JSON");
}

/* --- history ------------------------------------------------------------- */

/* clang-format off */
/* What is kept of an attempt that ended so, besides the job's own row. */
static const struct {
    bool row;
    enum stk_event_kind event; /* STK_EVENT_COUNT_: none */
} kept[] = {
    [STK_OUTCOME_COMPLETED]    = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_FAILED]       = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_FAILED_FINAL] = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_TIMED_OUT]    = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_THROTTLED]    = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_SESSION_LOST] = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_INTERRUPTED]  = { true,  STK_EVENT_COUNT_ },
    [STK_OUTCOME_CANCELLED]    = { true,  STK_EVENT_COUNT_ },
    [STK_OUTCOME_UNKNOWN_TASK] = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_PARKED]       = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_AMBIGUOUS]    = { true,  STK_EVENT_JOB_AMBIGUOUS },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(kept) == STK_OUTCOME_COUNT_, "one row per outcome");

static enum stk_rc add_attempt(struct stk_sqlite *self, const struct stk_settle *settle,
                               const struct held *held, const char *error, stk_time_ns now,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_ATTEMPT_ADD];
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
    if (settle->tail != NULL) {
        const char *tail = stk_utf8_tail(settle->tail, settle->tail_len, STK_TAIL_BYTES_MAX);
        size_t len = settle->tail_len - (size_t)(tail - settle->tail);
        (void)sqlite3_bind_text64(stmt, 12, tail, len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return stk_sqlite_run(self, stmt, "keep an attempt", err);
}

static enum stk_rc add_event(struct stk_sqlite *self, enum stk_event_kind kind,
                             const struct stk_settle *settle, const struct held *held,
                             const char *text, stk_time_ns now, struct stk_error *err)
{
    const struct stk_queue *queue = stk_sqlite_queue_by_id(self, held->queue_id);
    struct stk_event event = {
        .job_id = settle->id,
        .sweep_id = held->sweep_id,
        .pool_id = held->pool_id,
        .queue = queue != NULL ? queue->name : NULL,
        .text = text,
    };
    return stk_sqlite_event_add(self, kind, &event, now, err);
}

/* One line a task, not one a job: there may be a million of them. */
static enum stk_rc add_held_event(struct stk_sqlite *self, const struct stk_settle *settle,
                                  const struct held *held, bool first, stk_time_ns now,
                                  struct stk_error *err)
{
    if (!first) return STK_OK;
    const struct task_word *task = stk_sqlite_task_by_id(self, held->task_id);
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "task %s is unknown to this pool: its jobs are held until a pool knows it",
                   task != NULL ? task->name : "?");
    return add_event(self, STK_EVENT_JOB_HELD, settle, held, text, now, err);
}

static enum stk_rc keep_history(struct stk_sqlite *self, const struct stk_settle *settle,
                                const struct held *held, const char *error, stk_time_ns now,
                                struct stk_error *err)
{
    enum stk_event_kind kind = kept[settle->outcome].event;
    bool quarantined =
        settle->outcome == STK_OUTCOME_INTERRUPTED && settle->to.state == STK_STATE_FAILED;
    if (quarantined) kind = STK_EVENT_JOB_QUARANTINED;

    enum stk_rc rc = STK_OK;
    if (settle->to.state == STK_STATE_RUNNING) return STK_OK; /* it goes on elsewhere */
    if (kept[settle->outcome].row) rc = add_attempt(self, settle, held, error, now, err);
    if (rc != STK_OK || kind == STK_EVENT_COUNT_) return rc;

    const char *said = error != NULL ? error : stk_outcome_meaning(settle->outcome);
    char text[EVENT_TEXT_BYTES_MAX + 64];
    (void)snprintf(text, sizeof(text), "attempt %lld %s: %.*s", (long long)held->attempt,
                   stk_outcome_name(settle->outcome),
                   (int)cut_len(said, strlen(said), EVENT_TEXT_BYTES_MAX), said);
    return add_event(self, kind, settle, held, text, now, err);
}

static enum stk_rc refuse(struct stk_sqlite *self, const struct stk_settle *settle, const char *why,
                          stk_time_ns now, struct stk_error *err)
{
    char text[EVENT_TEXT_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "the answer \"%s\" was refused: %s",
                   stk_outcome_name(settle->outcome), why);
    struct stk_event event = { .job_id = settle->id, .text = text };
    return stk_sqlite_event_add(self, STK_EVENT_ATTEMPT_LATE, &event, now, err);
}

/* --- settling ------------------------------------------------------------ */

/* A person's cancel that the worker has not heard of yet still wins over
 * trying again. A job that runs elsewhere goes on: its next poll takes the
 * cancel there. */
static struct stk_settle heed_cancel(const struct stk_settle *settle, const struct held *held)
{
    struct stk_settle heeded = *settle;
    bool stays = settle->to.state == STK_STATE_COMPLETED || settle->to.state == STK_STATE_RUNNING;
    if (held->cancel && !stays) {
        heeded.to.state = STK_STATE_CANCELLED;
        heeded.to.ready_at = STK_NEVER;
        heeded.to.held = NULL;
        heeded.to.note = NULL;
    }
    return heeded;
}

static enum stk_rc is_first_held(struct stk_sqlite *self, const struct held *held,
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

/* An outcome that breaks a rule of the schema must not leave the job running
 * for ever: the attempt has failed, and says why. */
static struct stk_settle failed_instead(const struct stk_settle *settle, const char *why)
{
    struct stk_settle failed = *settle;
    failed.outcome = STK_OUTCOME_FAILED_FINAL;
    failed.to =
        (struct stk_transition){ .state = STK_STATE_FAILED, .ready_at = STK_NEVER, .counts = true };
    failed.result = NULL;
    failed.error = why;
    return failed;
}

/* What is known of it elsewhere goes with the attempt, or is written anew. */
static enum stk_rc write_remote(struct stk_sqlite *self, const struct stk_settle *settle,
                                const struct held *held, stk_time_ns now, struct stk_error *err)
{
    if (settle->to.state == STK_STATE_RUNNING) {
        return stk_sqlite_remote_park(self, settle, held->queue_id, held->cancel, now, err);
    }
    return self->has_remote ? stk_sqlite_remote_forget(self, settle->id, err) : STK_OK;
}

static enum stk_rc write_both(struct stk_sqlite *self, const struct stk_settle *settle,
                              const struct held *held, const char *error, stk_time_ns now,
                              struct stk_error *err)
{
    enum stk_rc rc = write_job(self, settle, error, now, err);
    return rc != STK_OK ? rc : write_remote(self, settle, held, now, err);
}

static enum stk_rc settle_held(struct stk_sqlite *self, const struct stk_settle *given,
                               const struct held *held, stk_time_ns now, bool *ret_accepted,
                               struct stk_error *err)
{
    struct stk_settle settle = heed_cancel(given, held);
    struct stk_error own = { 0 };
    bool first_held = false;

    enum stk_rc rc = is_first_held(self, held, &settle, &first_held, err);
    if (rc != STK_OK) return rc;
    bool completed = settle.to.state == STK_STATE_COMPLETED;
    const char *error = completed ? NULL : make_error(self, &settle);
    rc = write_both(self, &settle, held, error, now, &own);
    if (rc == STK_CONFLICT) {
        settle = failed_instead(&settle, own.text);
        error = make_error(self, &settle);
        rc = write_both(self, &settle, held, error, now, &own);
    }
    if (rc != STK_OK) return stk_fail(err, rc, "%s", own.text);

    if (settle.to.state != STK_STATE_COMPLETED) {
        rc = keep_history(self, &settle, held, error, now, err);
    }
    if (rc == STK_OK) rc = add_held_event(self, &settle, held, first_held, now, err);
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
    struct held held = { 0 };
    bool done = false;
    bool found = false;
    settle->accepted = false;
    enum stk_rc rc = settle_shortly(self, settle, now, &done, err);
    if (rc != STK_OK || done) return rc;

    rc = find_held(self, settle, &held, &found, err);
    if (rc != STK_OK) return rc;
    if (!found) return refuse(self, settle, "that attempt does not hold the job", now, err);
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
