/* SPDX-License-Identifier: MIT
 *
 * Submitting: all jobs of a call in one INSERT, which leaves out those whose key
 * or sweep has them already; only then are they looked up. Several jobs take
 * their ids first, in a row; one takes its id as it is inserted.
 */
#include "store/pg/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/rand.h"

enum { IDENTITY_BYTES = 16 };

struct batch {
    const struct stk_new_job *jobs;
    size_t count;
    int64_t first_id; /* 0: the one job takes its own */
    stk_time_ns now;
};

static const struct stk_task_word *task_of(struct stk_pg *self, const struct batch *batch,
                                           size_t at)
{
    return stk_words_task(&self->words, batch->jobs[at].task_id);
}

static bool is_due(const struct batch *batch, size_t at)
{
    return batch->jobs[at].ready_at <= batch->now;
}

static enum stk_rc check(struct stk_pg *self, const struct batch *batch, struct stk_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct stk_new_job *job = &batch->jobs[i];
        if (task_of(self, batch, i) == NULL) {
            return stk_fail(err, STK_INVALID, "there is no task %lld", (long long)job->task_id);
        }
        if (!stk_pg_is_json(job->params, job->params_len)) {
            return stk_fail(err, STK_CONFLICT, "the parameters are not valid JSON");
        }
    }
    return STK_OK;
}

/* --- the insert --------------------------------------------------------------- */

static void arg_identities(struct stk_pg *self, const struct batch *batch)
{
    stk_pg_array_bytes(self, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        const struct stk_new_job *job = &batch->jobs[i];
        unsigned char identity[IDENTITY_BYTES];
        if (job->sweep_id != 0) stk_hash128(job->params, job->params_len, identity);
        stk_pg_item(self, job->sweep_id != 0 ? identity : NULL, sizeof(identity));
    }
    stk_pg_array_end(self);
}

static void arg_texts(struct stk_pg *self, const struct batch *batch)
{
    stk_pg_array_texts(self, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        const char *key = batch->jobs[i].key;
        stk_pg_item(self, key, key != NULL ? strlen(key) : 0);
    }
    stk_pg_array_end(self);
    stk_pg_array_texts(self, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        stk_pg_item(self, batch->jobs[i].params, batch->jobs[i].params_len);
    }
    stk_pg_array_end(self);
}

enum number { ID, TASK, QUEUE, SWEEP, RANK, READY_AT };

static int64_t number_of(struct stk_pg *self, const struct batch *batch, size_t at,
                         enum number which)
{
    const struct stk_new_job *job = &batch->jobs[at];
    switch (which) {
    case ID: return batch->first_id == 0 ? 0 : batch->first_id + (int64_t)at;
    case TASK: return job->task_id;
    case QUEUE: return task_of(self, batch, at)->queue_id;
    case SWEEP: return job->sweep_id;
    case RANK: return ~(int64_t)job->priority;
    case READY_AT: break;
    }
    return is_due(batch, at) ? batch->now : job->ready_at;
}

static void arg_numbers(struct stk_pg *self, const struct batch *batch, enum number which)
{
    bool may_miss = which == ID || which == SWEEP;
    stk_pg_array_ints(self, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        int64_t value = number_of(self, batch, i, which);
        if (may_miss) {
            stk_pg_item_id(self, value);
        } else {
            stk_pg_item_int(self, value);
        }
    }
    stk_pg_array_end(self);
}

static enum stk_rc insert(struct stk_pg *self, const struct batch *batch, struct stk_pg_rows *ret,
                          struct stk_error *err)
{
    stk_pg_arg_int(self, batch->now);
    for (enum number which = ID; which <= READY_AT; which++) {
        arg_numbers(self, batch, which);
    }
    arg_texts(self, batch);
    arg_identities(self, batch);
    return stk_pg_run(self, STMT_JOB_SUBMIT, "submit jobs", ret, err);
}

static enum stk_rc take_ids(struct stk_pg *self, struct batch *batch, struct stk_error *err)
{
    if (batch->count < 2) return STK_OK;
    stk_pg_arg_int(self, (int64_t)batch->count);
    return stk_pg_number(self, STMT_JOB_IDS, "number jobs", 0, &batch->first_id, err);
}

/* --- those that exist ----------------------------------------------------------- */

static bool is_text(const struct stk_new_job *job, const char *text, size_t len)
{
    return len == job->params_len && memcmp(text, job->params, len) == 0;
}

/* stoker.submit() writes them as jsonb does, with other blanks and another order. */
static bool are_params(const struct stk_new_job *job, const char *text, size_t len)
{
    STK_CLEANUP(stk_json_freep) json_t *params = NULL;
    if (is_text(job, text, len)) return true;
    if (stk_json_parse(text, len, &params, NULL) != STK_OK) return false;
    STK_CLEANUP(stk_freep) char *canonical = stk_json_text(params);
    return is_text(job, canonical, strlen(canonical));
}

static enum stk_rc find_by_key(struct stk_pg *self, const struct stk_new_job *job, int64_t *ret_id,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, job->task_id);
    stk_pg_arg_text(self, job->key);
    enum stk_rc rc = stk_pg_run(self, STMT_JOB_BY_KEY, "find a job by its key", &rows, err);
    if (rc != STK_OK || rows.count == 0) return rc;

    bool same = are_params(job, stk_pg_text(&rows, 0, 1), stk_pg_len(&rows, 0, 1));
    *ret_id = stk_pg_int(&rows, 0, 0);
    if (same) return STK_OK;
    return stk_fail(err, STK_CONFLICT, "key \"%s\" is taken by job %lld with other parameters",
                    job->key, (long long)*ret_id);
}

static enum stk_rc find_existing(struct stk_pg *self, const struct stk_new_job *job,
                                 int64_t *ret_id, struct stk_error *err)
{
    unsigned char identity[IDENTITY_BYTES];
    enum stk_rc rc = job->key != NULL ? find_by_key(self, job, ret_id, err) : STK_OK;
    if (rc != STK_OK || *ret_id != 0) return rc;
    if (job->sweep_id != 0) {
        stk_hash128(job->params, job->params_len, identity);
        stk_pg_arg_int(self, job->sweep_id);
        stk_pg_arg_bytes(self, identity, sizeof(identity));
        rc = stk_pg_number(self, STMT_JOB_BY_IDENTITY, "find a job of the sweep", 0, ret_id, err);
    }
    if (rc != STK_OK || *ret_id != 0) return rc;
    return stk_fail(err, STK_BUSY, "a job that stood in the way of a new one has just gone");
}

/* Which of them are new: their ids came back, in their order. */
static void note_new(struct stk_pg *self, const struct batch *batch, const struct stk_pg_rows *rows,
                     struct stk_submitted *ret)
{
    int row = 0;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t id = batch->first_id == 0 ? 0 : batch->first_id + (int64_t)i;
        bool is_new = row < rows->count && (id == 0 || stk_pg_int(rows, row, 0) == id);
        ret[i] = (struct stk_submitted){ .existing = !is_new };
        if (!is_new) continue;
        ret[i].id = stk_pg_int(rows, row++, 0);
        const struct stk_task_word *task = task_of(self, batch, i);
        stk_pg_count(self, batch->jobs[i].sweep_id, task->queue_id, task->id, STK_STATE_COUNT_,
                     STK_STATE_PENDING, batch->now);
        if (!is_due(batch, i)) stk_pg_due_by(self, batch->jobs[i].ready_at);
        stk_pg_floor_lower(self, task->queue_id, number_of(self, batch, i, RANK), ret[i].id);
    }
}

static enum stk_rc take_back(struct stk_pg *self, const struct batch *batch,
                             const struct stk_submitted *submitted, struct stk_error *err)
{
    size_t fresh = 0;
    for (size_t i = 0; i < batch->count; i++) {
        fresh += submitted[i].existing ? 0 : 1;
    }
    stk_pg_array_ints(self, fresh);
    for (size_t i = 0; i < batch->count; i++) {
        if (submitted[i].existing) continue;
        const struct stk_task_word *task = task_of(self, batch, i);
        stk_pg_item_int(self, submitted[i].id);
        stk_pg_count(self, batch->jobs[i].sweep_id, task->queue_id, task->id, STK_STATE_PENDING,
                     STK_STATE_COUNT_, batch->now);
    }
    stk_pg_array_end(self);
    return stk_pg_run(self, STMT_JOB_UNSUBMIT, "take back a submit", NULL, err);
}

static enum stk_rc find_all_existing(struct stk_pg *self, const struct batch *batch,
                                     struct stk_submitted *submitted, struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < batch->count && rc == STK_OK; i++) {
        if (submitted[i].existing) rc = find_existing(self, &batch->jobs[i], &submitted[i].id, err);
    }
    if (rc != STK_CONFLICT) return rc;
    enum stk_rc undo = take_back(self, batch, submitted, NULL);
    return undo == STK_OK ? rc : stk_fail(err, undo, "could not take back a failed submit");
}

enum stk_rc stk_pg_submit(struct stk_store *store, const struct stk_new_job *jobs, size_t count,
                          stk_time_ns now, struct stk_submitted *ret, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct batch batch = { .jobs = jobs, .count = count, .now = now };
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc == STK_OK) rc = check(self, &batch, err);
    if (rc != STK_OK || count == 0) return rc;
    if (stk_fault(STK_FAULT_SUBMIT_BEFORE)) {
        return stk_fail(err, STK_UNAVAILABLE, "could not submit: a fault was asked for");
    }
    rc = take_ids(self, &batch, err);
    if (rc == STK_OK) rc = insert(self, &batch, &rows, err);
    if (rc != STK_OK) return rc;
    note_new(self, &batch, &rows, ret);
    rc = find_all_existing(self, &batch, ret, err);
    if (rc != STK_OK) return rc;
    stk_pg_hint(self, STK_HINT_JOBS);
    if (stk_fault(STK_FAULT_SUBMIT_INSERTED)) {
        return stk_fail(err, STK_UNAVAILABLE, "could not submit: a fault was asked for");
    }
    return STK_OK;
}
