/* SPDX-License-Identifier: MIT
 *
 * Settling: the one place where an attempt ends. Each statement repeats the
 * guard (the attempt id, and that the job runs), so a second outcome changes
 * no row; the schema's CHECKs stand behind it. Completed jobs that were claimed
 * here are written with one statement, whose reply comes with the next one's;
 * all others are locked first, one by one, and leave their history.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

enum { EVENT_TEXT_BYTES_MAX = 1000 };

/* The job whose attempt ends. */
struct held {
    int64_t task_id, queue_id, sweep_id, pool_id;
    bool cancel;
    int64_t attempt, retries, worker, rank;
    stk_time_ns started_at;
};

static enum stk_rc find_held(struct stk_pg *self, const struct stk_settle *settle, struct held *ret,
                             bool *ret_found, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, settle->attempt_id);
    enum stk_rc rc = stk_pg_run(self, STMT_JOB_RUNNING, "find the attempt's job", &rows, err);
    *ret_found = rc == STK_OK && rows.count == 1;
    if (!*ret_found) return rc;
    *ret = (struct held){
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
static const char *make_error(struct stk_pg *self, const struct stk_settle *settle)
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
    stk_pg_arg_int(self, now);
    if (settle->result != NULL && settle->result_is_text) {
        make_json_string(&self->text, settle->result, settle->result_len);
        stk_pg_arg_text_len(self, self->text.data, self->text.len);
    } else {
        stk_pg_arg_bytes(self, settle->result, settle->result_len);
    }
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

static enum stk_rc add_attempt(struct stk_pg *self, const struct stk_settle *settle,
                               const struct held *held, const char *error, stk_time_ns now,
                               struct stk_error *err)
{
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
    const char *tail = settle->tail;
    size_t len = 0;
    if (tail != NULL) {
        tail = stk_utf8_tail(settle->tail, settle->tail_len, STK_TAIL_BYTES_MAX);
        len = settle->tail_len - (size_t)(tail - settle->tail);
    }
    stk_pg_arg_bytes(self, tail, len);
    return stk_pg_send(self, STMT_ATTEMPT_ADD, "keep an attempt", NULL, NULL, err);
}

static enum stk_rc add_event(struct stk_pg *self, enum stk_event_kind kind,
                             const struct stk_settle *settle, const struct held *held,
                             const char *text, stk_time_ns now, struct stk_error *err)
{
    const struct stk_queue *queue = stk_pg_queue_by_id(self, held->queue_id);
    struct stk_event event = {
        .job_id = settle->id,
        .sweep_id = held->sweep_id,
        .pool_id = held->pool_id,
        .queue = queue != NULL ? queue->name : NULL,
        .text = text,
    };
    return stk_pg_event_add(self, kind, &event, now, err);
}

/* One line a task, not one a job: there may be a million of them. */
static enum stk_rc add_held_event(struct stk_pg *self, const struct stk_settle *settle,
                                  const struct held *held, bool first, stk_time_ns now,
                                  struct stk_error *err)
{
    if (!first) return STK_OK;
    const struct task_word *task = stk_pg_task_by_id(self, held->task_id);
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "task %s is unknown to this pool: its jobs are held until a pool knows it",
                   task != NULL ? task->name : "?");
    return add_event(self, STK_EVENT_JOB_HELD, settle, held, text, now, err);
}

static enum stk_rc keep_history(struct stk_pg *self, const struct stk_settle *settle,
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

static enum stk_rc refuse(struct stk_pg *self, const struct stk_settle *settle, const char *why,
                          stk_time_ns now, struct stk_error *err)
{
    char text[EVENT_TEXT_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "the answer \"%s\" was refused: %s",
                   stk_outcome_name(settle->outcome), why);
    struct stk_event event = { .job_id = settle->id, .text = text };
    return stk_pg_event_add(self, STK_EVENT_ATTEMPT_LATE, &event, now, err);
}

/* --- one by one ---------------------------------------------------------- */

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

static enum stk_rc is_first_held(struct stk_pg *self, const struct held *held,
                                 const struct stk_settle *settle, bool *ret, struct stk_error *err)
{
    int64_t others = 0;
    if (settle->to.held == NULL) return STK_OK;
    stk_pg_arg_int(self, held->task_id);
    enum stk_rc rc = stk_pg_number(self, STMT_HELD_EXISTS, "look for held jobs", 0, &others, err);
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
static enum stk_rc write_remote(struct stk_pg *self, const struct stk_settle *settle,
                                const struct held *held, stk_time_ns now, struct stk_error *err)
{
    if (settle->to.state == STK_STATE_RUNNING) {
        return stk_pg_remote_park(self, settle, held->queue_id, held->cancel, now, err);
    }
    return self->has_remote ? stk_pg_remote_forget(self, settle->id, err) : STK_OK;
}

static bool is_bad_result(const struct stk_settle *settle)
{
    bool is_json = settle->result != NULL && !settle->result_is_text;
    return settle->to.state == STK_STATE_COMPLETED && is_json &&
           !stk_pg_is_json(settle->result, settle->result_len);
}

/* As the schema has it: a pending job is ready at some time, or held. */
static bool is_bad_move(const struct stk_settle *settle)
{
    bool is_held = settle->to.held != NULL, is_ready = settle->to.ready_at != STK_NEVER;
    return settle->to.state == STK_STATE_PENDING && is_held == is_ready;
}

static enum stk_rc write_all(struct stk_pg *self, const struct stk_settle *settle,
                             const struct held *held, stk_time_ns now, struct stk_error *err)
{
    bool completed = settle->to.state == STK_STATE_COMPLETED;
    const char *error = completed ? NULL : make_error(self, settle);
    enum stk_rc rc = write_job(self, settle, error, now, err);
    if (rc == STK_OK && !completed) rc = keep_history(self, settle, held, error, now, err);
    return rc;
}

/* A park that the schema would forbid, or of which nothing is known, is found
 * out before anything of this settle is written. */
static enum stk_rc settle_held(struct stk_pg *self, const struct stk_settle *given,
                               const struct held *held, stk_time_ns now, bool *ret_accepted,
                               struct stk_error *err)
{
    struct stk_settle settle = heed_cancel(given, held);
    struct stk_error own = { 0 };
    bool first_held = false;
    if (is_bad_result(&settle)) settle = failed_instead(&settle, "its result is not valid JSON");
    if (is_bad_move(&settle)) settle = failed_instead(&settle, "it would wait for nothing");
    enum stk_rc rc = is_first_held(self, held, &settle, &first_held, err);
    if (rc == STK_OK) rc = write_remote(self, &settle, held, now, &own);
    if (rc == STK_CONFLICT) {
        settle = failed_instead(&settle, own.text);
        rc = write_remote(self, &settle, held, now, &own);
    }
    if (rc == STK_OK) rc = write_all(self, &settle, held, now, &own);
    if (rc != STK_OK) return stk_fail(err, rc, "%s", own.text);
    rc = add_held_event(self, &settle, held, first_held, now, err);
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
    struct held held = { 0 };
    bool found = false;
    enum stk_rc rc = find_held(self, settle, &held, &found, err);
    if (rc != STK_OK) return rc;
    if (!found) return refuse(self, settle, "that attempt does not hold the job", now, err);
    return settle_held(self, settle, &held, now, &settle->accepted, err);
}

/* --- completed jobs together ------------------------------------------------ */

/* The common case: a job claimed by this store has completed. */
static bool is_common(struct stk_pg *self, const struct stk_settle *settle)
{
    const struct live *live = stk_pg_live_find(self, settle->id);
    return settle->to.state == STK_STATE_COMPLETED && live != NULL && !live->is_remote &&
           live->attempt_id == settle->attempt_id && !is_bad_result(settle);
}

/* `accepted` says which of them go the common way. */
struct together {
    struct stk_settle *settles;
    size_t count;
    stk_time_ns now;
};

static void arg_together(struct stk_pg *self, const struct together *together, size_t common)
{
    stk_pg_arg_int(self, together->now);
    stk_pg_array_ints(self, common);
    for (size_t i = 0; i < together->count; i++) {
        if (together->settles[i].accepted) stk_pg_item_int(self, together->settles[i].id);
    }
    stk_pg_array_end(self);
    stk_pg_array_ints(self, common);
    for (size_t i = 0; i < together->count; i++) {
        if (together->settles[i].accepted) stk_pg_item_int(self, together->settles[i].attempt_id);
    }
    stk_pg_array_end(self);
    stk_pg_array_texts(self, common);
    for (size_t i = 0; i < together->count; i++) {
        const struct stk_settle *settle = &together->settles[i];
        if (!settle->accepted) continue;
        if (settle->result != NULL && settle->result_is_text) {
            make_json_string(&self->text, settle->result, settle->result_len);
            stk_pg_item(self, self->text.data, self->text.len);
        } else {
            stk_pg_item(self, settle->result, settle->result_len);
        }
    }
    stk_pg_array_end(self);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static void note_completed(struct stk_pg *self, const struct stk_settle *settle, stk_time_ns now)
{
    const struct live *live = stk_pg_live_find(self, settle->id);
    stk_pg_txn_settle(self, settle->id, settle->attempt_id);
    stk_pg_count(self, live->sweep_id, live->queue_id, live->task_id, STK_STATE_RUNNING,
                 STK_STATE_COMPLETED, now);
}

/* A job that did not come back is no longer held by its attempt. Replies come in
 * the order of their statements: this one speaks of the first `count` that are
 * not known. */
static enum stk_rc take_together(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                                 struct stk_error *err)
{
    (void)err;
    size_t count = (size_t)(uintptr_t)context, size = (size_t)rows->count;
    STK_CLEANUP(stk_freep) char *memory = stk_alloc((size + 1) * sizeof(int64_t));
    int64_t *ids = (int64_t *)(void *)memory;
    for (int i = 0; i < rows->count; i++) {
        ids[i] = stk_pg_int(rows, i, 0);
    }
    qsort(ids, size, sizeof(*ids), compare_ids);

    size_t left = 0;
    for (size_t i = 0; i < self->late_count; i++) {
        struct late late = self->late[i];
        bool is_mine = !late.is_known && count > 0;
        if (is_mine) count--;
        bool done = is_mine && bsearch(&late.settle->id, ids, size, sizeof(*ids), compare_ids);
        if (done) {
            note_completed(self, late.settle, late.now);
            continue;
        }
        late.is_known = late.is_known || is_mine;
        self->late[left++] = late;
    }
    self->late_count = left;
    return STK_OK;
}

static void note_late(struct stk_pg *self, const struct together *together)
{
    for (size_t i = 0; i < together->count; i++) {
        if (!together->settles[i].accepted) continue;
        if (self->late_count == self->late_size) {
            self->late_size = self->late_size == 0 ? 64 : 2 * self->late_size;
            self->late = stk_realloc(self->late, self->late_size, sizeof(*self->late));
        }
        self->late[self->late_count++] =
            (struct late){ .settle = &together->settles[i], .now = together->now };
    }
}

/* Nobody waits for the reply: a claim mostly follows, and brings it along. */
static enum stk_rc settle_together(struct stk_pg *self, const struct together *together,
                                   size_t common, struct stk_error *err)
{
    if (common == 0) return STK_OK;
    arg_together(self, together, common);
    note_late(self, together);
    return stk_pg_send(self, STMT_JOBS_COMPLETE, "end attempts", take_together,
                       (void *)(uintptr_t)common, err);
}

static enum stk_rc settle_alone(struct stk_pg *self, struct stk_settle *settle, stk_time_ns now,
                                struct stk_error *err)
{
    settle->accepted = stk_pg_settled_lately(self, settle->id, settle->attempt_id);
    if (!settle->accepted) return settle_one(self, settle, now, err);
    stk_pg_txn_settle(self, settle->id, settle->attempt_id);
    return STK_OK;
}

static enum stk_rc settle_rest(struct stk_pg *self, const struct together *together,
                               struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < together->count && rc == STK_OK; i++) {
        struct stk_settle *settle = &together->settles[i];
        if (!settle->accepted) rc = settle_alone(self, settle, together->now, err);
    }
    return rc;
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
    struct together together = { settles, count, now };
    size_t common = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < count; i++) {
        settles[i].accepted = is_common(self, &settles[i]);
        common += settles[i].accepted ? 1 : 0;
    }
    rc = settle_together(self, &together, common, err);
    return rc == STK_OK ? settle_rest(self, &together, err) : rc;
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
