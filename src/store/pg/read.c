/* SPDX-License-Identifier: MIT
 *
 * Reading jobs. A list is made in two steps: the ids, by the path that serves
 * the filter, then the rows. A path walks an index in the order of the answer
 * and stops at its limit: the shelves of a task or sweep hold the jobs of one
 * state each (see job_task in the schema), and those that run are looked for
 * where they run.
 */
#include "store/pg/pg.h"

#include "base/json.h"
#include "base/text.h"

/* Parameters and results may be large: so many rows are asked for at once. */
enum { ROWS_AT_ONCE = 50 };

bool stk_pg_is_json(const char *text, size_t len)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    return stk_utf8_is_valid(text, len) && stk_json_parse(text, len, &value, NULL) == STK_OK;
}

/* --- one row ------------------------------------------------------------- */

static struct stk_job job_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_job){
        .id = stk_pg_int(rows, row, 0),
        .sweep_id = stk_pg_int(rows, row, 1),
        .task = stk_pg_text(rows, row, 2),
        .queue = stk_pg_text(rows, row, 3),
        .state = stk_pg_state(rows, row, 4),
        .priority = (int32_t)stk_pg_int(rows, row, 5),
        .params = stk_pg_text(rows, row, 6),
        .result = stk_pg_text(rows, row, 7),
        .error = stk_pg_text(rows, row, 8),
        .key = stk_pg_text(rows, row, 9),
        .held = stk_pg_text(rows, row, 10),
        .attempt = (uint32_t)stk_pg_int(rows, row, 11),
        .throttles = (uint32_t)stk_pg_int(rows, row, 12),
        .session_waits = (uint32_t)stk_pg_int(rows, row, 13),
        .interruptions = (uint32_t)stk_pg_int(rows, row, 14),
        .retries = (uint32_t)stk_pg_int(rows, row, 15),
        .cancel_requested = stk_pg_bool(rows, row, 16),
        .created_at = stk_pg_int(rows, row, 17),
        .ready_at = stk_pg_time(rows, row, 18),
        .started_at = stk_pg_time(rows, row, 19),
        .finished_at = stk_pg_time(rows, row, 20),
        .pool_id = stk_pg_int(rows, row, 21),
        .worker = (uint32_t)stk_pg_int(rows, row, 22),
        .attempt_id = stk_pg_int(rows, row, 23),
    };
}

static void hand_out(const struct stk_pg_rows *rows, stk_job_fn each, void *context)
{
    for (int i = 0; i < rows->count; i++) {
        struct stk_job job = job_of(rows, i);
        each(context, &job);
    }
}

enum stk_rc stk_pg_job(struct stk_store *store, int64_t id, stk_job_fn each, void *context,
                       struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_array_ints(self, 1);
    stk_pg_item_int(self, id);
    stk_pg_array_end(self);
    enum stk_rc rc = stk_pg_run(self, STMT_JOB_GET, "read a job", &rows, err);
    if (rc != STK_OK) return rc;
    if (rows.count == 0) {
        return stk_fail(err, STK_NOT_FOUND, "there is no job %lld", (long long)id);
    }
    hand_out(&rows, each, context);
    return STK_OK;
}

enum stk_rc stk_pg_last_job(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    int64_t id = 0;
    enum stk_rc rc =
        stk_pg_number(downcast(store), STMT_JOB_LAST, "find the last job", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "there is no job yet");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

/* --- paths --------------------------------------------------------------- */

/* The shelves of a state, as the schema has them; the last row: of any. */
enum { SHELF_COUNT = 4 };
static const struct {
    int64_t shelves[SHELF_COUNT];
    size_t count;
} shelves_of[STK_STATE_COUNT_ + 1] = {
    [STK_STATE_PENDING] = { { 0 }, 1 },   [STK_STATE_RUNNING] = { { 1 }, 1 },
    [STK_STATE_COMPLETED] = { { 1 }, 1 }, [STK_STATE_FAILED] = { { 2 }, 1 },
    [STK_STATE_CANCELLED] = { { 3 }, 1 }, [STK_STATE_COUNT_] = { { 0, 1, 2, 3 }, SHELF_COUNT },
};

static void bind_range(struct stk_pg *self, const struct stk_pg_listing *listing)
{
    stk_pg_arg_int(self, listing->first);
    stk_pg_arg_int(self, listing->last);
    stk_pg_arg_int(self, (int64_t)listing->limit);
}

static void bind_shelves(struct stk_pg *self, int state)
{
    size_t at = state < 0 ? STK_STATE_COUNT_ : (size_t)state;
    stk_pg_array_ints(self, shelves_of[at].count);
    for (size_t i = 0; i < shelves_of[at].count; i++) {
        stk_pg_item_int(self, shelves_of[at].shelves[i]);
    }
    stk_pg_array_end(self);
    stk_pg_arg_bool(self, state == STK_STATE_COMPLETED);
}

/* task_id 0: every task. */
static void bind_tasks(struct stk_pg *self, int64_t task_id)
{
    const struct stk_words *words = &self->words;
    stk_pg_array_ints(self, task_id != 0 ? 1 : words->task_count);
    if (task_id != 0) stk_pg_item_int(self, task_id);
    for (size_t i = 0; task_id == 0 && i < words->task_count; i++) {
        stk_pg_item_int(self, words->tasks[i].id);
    }
    stk_pg_array_end(self);
}

static enum stmt bind_path(struct stk_pg *self, const struct stk_pg_listing *listing)
{
    bool up = listing->ascending;
    bind_range(self, listing);
    if (listing->state == STK_STATE_RUNNING) {
        stk_pg_arg_int(self, listing->task_id);
        stk_pg_arg_int(self, listing->sweep_id);
        stk_pg_arg_bool(self, up);
        return STMT_JOBS_RUNNING;
    }
    if (listing->sweep_id != 0) {
        bind_shelves(self, listing->state);
        stk_pg_arg_int(self, listing->sweep_id);
        return up ? STMT_JOBS_SWEEP_UP : STMT_JOBS_SWEEP_DOWN;
    }
    if (listing->state < 0 && listing->task_id == 0) {
        return up ? STMT_JOBS_ALL_UP : STMT_JOBS_ALL_DOWN;
    }
    bind_shelves(self, listing->state);
    bind_tasks(self, listing->task_id);
    return up ? STMT_JOBS_TASK_UP : STMT_JOBS_TASK_DOWN;
}

enum stk_rc stk_pg_list_ids(struct stk_pg *self, const struct stk_pg_listing *listing,
                            struct stk_pg_rows *ret, struct stk_error *err)
{
    enum stk_rc rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;
    enum stmt path = bind_path(self, listing);
    return stk_pg_run(self, path, "list jobs", ret, err);
}

/* --- lists --------------------------------------------------------------- */

/* *ret_none: no job can be meant: the task has never been seen, or the sweep's
 * is another, or there is no such sweep. */
static enum stk_rc make_listing(struct stk_pg *self, const struct stk_job_filter *filter,
                                struct stk_pg_listing *ret, bool *ret_none, struct stk_error *err)
{
    bool up = filter->ascending;
    bool from_end = filter->after_id == 0 && !up;
    int64_t above = filter->after_id < INT64_MAX ? filter->after_id + 1 : INT64_MAX;
    *ret = (struct stk_pg_listing){
        .state = filter->state,
        .task_id = stk_words_task_id(&self->words, filter->task),
        .sweep_id = filter->sweep_id,
        .first = up ? above : 1,
        .last = up || from_end ? INT64_MAX : filter->after_id - 1,
        .ascending = up,
        .limit = filter->limit,
    };
    *ret_none = filter->task != NULL && ret->task_id == 0;
    if (*ret_none || filter->sweep_id == 0) return STK_OK;

    int64_t sweeps_task = 0;
    stk_pg_arg_int(self, filter->sweep_id);
    enum stk_rc rc = stk_pg_number(self, STMT_SWEEP_TASK, "find a sweep", 0, &sweeps_task, err);
    *ret_none = sweeps_task == 0 || (ret->task_id != 0 && ret->task_id != sweeps_task);
    return rc;
}

static enum stk_rc read_some(struct stk_pg *self, const struct stk_pg_rows *ids, int from, int to,
                             stk_job_fn each, void *context, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_array_ints(self, (size_t)(to - from));
    for (int i = from; i < to; i++) {
        stk_pg_item_int(self, stk_pg_int(ids, i, 0));
    }
    stk_pg_array_end(self);
    enum stk_rc rc = stk_pg_run(self, STMT_JOB_GET, "read jobs", &rows, err);
    if (rc == STK_OK) hand_out(&rows, each, context);
    return rc;
}

enum stk_rc stk_pg_jobs(struct stk_store *store, const struct stk_job_filter *filter,
                        stk_job_fn each, void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_read_endp) struct read_txn txn = READ_TXN_INIT;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows ids = STK_PG_ROWS_INIT;
    struct stk_pg_listing listing;
    bool none = false;
    enum stk_rc rc = stk_pg_read_begin(self, &txn, err);
    if (txn.began) self->words.known = false; /* a task may be new a moment ago */
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc == STK_OK) rc = make_listing(self, filter, &listing, &none, err);
    if (rc != STK_OK || none) return rc;

    rc = stk_pg_list_ids(self, &listing, &ids, err);
    for (int from = 0; from < ids.count && rc == STK_OK; from += ROWS_AT_ONCE) {
        int to = ids.count - from > ROWS_AT_ONCE ? from + ROWS_AT_ONCE : ids.count;
        rc = read_some(self, &ids, from, to, each, context, err);
    }
    return rc;
}

/* --- places and attempts ------------------------------------------------- */

enum stk_rc stk_pg_jobs_ahead(struct stk_store *store, int64_t id, int64_t most, int64_t *ret,
                              struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t ahead = 0;
    stk_pg_arg_int(self, id);
    stk_pg_arg_int(self, most);
    enum stk_rc rc = stk_pg_number(self, STMT_JOB_AHEAD, "count the jobs ahead", -1, &ahead, err);
    if (rc != STK_OK) return rc;
    if (ahead < 0) return stk_fail(err, STK_NOT_FOUND, "there is no job %lld", (long long)id);
    *ret = ahead;
    return STK_OK;
}

static struct stk_attempt attempt_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_attempt){
        .attempt = (uint32_t)stk_pg_int(rows, row, 0),
        .attempt_id = stk_pg_int(rows, row, 1),
        .outcome = stk_pg_text(rows, row, 2),
        .error = stk_pg_text(rows, row, 3),
        .tail = stk_pg_text(rows, row, 4),
        .result = stk_pg_text(rows, row, 5),
        .exit_status = stk_pg_is_null(rows, row, 6) ? -1 : (int)stk_pg_int(rows, row, 6),
        .pool_id = stk_pg_int(rows, row, 7),
        .worker = (uint32_t)stk_pg_int(rows, row, 8),
        .started_at = stk_pg_time(rows, row, 9),
        .finished_at = stk_pg_time(rows, row, 10),
    };
}

enum stk_rc stk_pg_attempts(struct stk_store *store, int64_t job_id, stk_attempt_fn each,
                            void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, job_id);
    enum stk_rc rc = stk_pg_run(self, STMT_ATTEMPT_LIST, "read attempts", &rows, err);
    for (int i = 0; i < rows.count && rc == STK_OK; i++) {
        struct stk_attempt attempt = attempt_of(&rows, i);
        each(context, &attempt);
    }
    return rc;
}

enum stk_rc stk_pg_task_run_time(struct stk_store *store, const char *task, stk_time_ns *ret_mean,
                                 struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    stk_pg_arg_text(self, task);
    return stk_pg_number(self, STMT_TASK_RUN_TIME, "read run times", 0, ret_mean, err);
}
