/* SPDX-License-Identifier: MIT
 *
 * Reading jobs. A list is made in two steps: the ids, by the path that serves
 * the filter, then the rows. Whatever the filter, a path walks an index in the
 * order of the answer and stops at its limit; the one that may walk far (a
 * state of a sweep) is chosen by the counters, and cut off after two seconds.
 */
#include "store/sqlite/sqlite.h"

#include <stdlib.h>

#include "base/alloc.h"

struct ids {
    int64_t *ids;
    size_t count, size;
};

static void release_ids(struct ids *ids)
{
    free(ids->ids);
}

static void add_id(struct ids *ids, int64_t id)
{
    if (ids->count == ids->size) {
        ids->size = ids->size == 0 ? 64 : 2 * ids->size;
        ids->ids = stk_realloc(ids->ids, ids->size, sizeof(*ids->ids));
    }
    ids->ids[ids->count++] = id;
}

/* --- one row ------------------------------------------------------------- */

static struct stk_job job_of(sqlite3_stmt *stmt)
{
    return (struct stk_job){
        .id = sqlite3_column_int64(stmt, 0),
        .sweep_id = sqlite3_column_int64(stmt, 1),
        .task = stk_sqlite_text(stmt, 2),
        .queue = stk_sqlite_text(stmt, 3),
        .state = stk_sqlite_state(stmt, 4),
        .priority = sqlite3_column_int(stmt, 5),
        .params = stk_sqlite_text(stmt, 6),
        .result = stk_sqlite_text(stmt, 7),
        .error = stk_sqlite_text(stmt, 8),
        .key = stk_sqlite_text(stmt, 9),
        .held = stk_sqlite_text(stmt, 10),
        .attempt = (uint32_t)sqlite3_column_int64(stmt, 11),
        .throttles = (uint32_t)sqlite3_column_int64(stmt, 12),
        .session_waits = (uint32_t)sqlite3_column_int64(stmt, 13),
        .interruptions = (uint32_t)sqlite3_column_int64(stmt, 14),
        .retries = (uint32_t)sqlite3_column_int64(stmt, 15),
        .cancel_requested = sqlite3_column_int(stmt, 16) == 1,
        .created_at = sqlite3_column_int64(stmt, 17),
        .ready_at = stk_sqlite_time(stmt, 18),
        .started_at = stk_sqlite_time(stmt, 19),
        .finished_at = stk_sqlite_time(stmt, 20),
        .pool_id = sqlite3_column_int64(stmt, 21),
        .worker = (uint32_t)sqlite3_column_int64(stmt, 22),
        .attempt_id = sqlite3_column_int64(stmt, 23),
    };
}

enum stk_rc stk_sqlite_job(struct stk_store *store, int64_t id, stk_job_fn each, void *context,
                           struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_GET];
    (void)sqlite3_bind_int64(stmt, 1, id);
    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "read a job", &row, err);
    if (rc != STK_OK) return rc;
    if (!row) return stk_fail(err, STK_NOT_FOUND, "there is no job %lld", (long long)id);
    struct stk_job job = job_of(stmt);
    each(context, &job);
    return STK_OK;
}

enum stk_rc stk_sqlite_last_job(struct stk_store *store, int64_t *ret_id, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    int64_t id = 0;
    enum stk_rc rc =
        stk_sqlite_number(self, self->stmts[STMT_JOB_LAST], "find the last job", 0, &id, err);
    if (rc == STK_OK && id == 0) return stk_fail(err, STK_NOT_FOUND, "there is no job yet");
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

/* --- lists --------------------------------------------------------------- */

/* A filter with its task looked up, and where the answer begins. */
struct question {
    const struct stk_job_filter *filter;
    int64_t task_id; /* 0: any */
    int64_t from;    /* ids above or below this one */
};

static sqlite3_stmt *path_of(struct stk_sqlite *self, const struct question *question, enum stmt up,
                             enum stmt down)
{
    const struct stk_job_filter *filter = question->filter;
    sqlite3_stmt *stmt = self->stmts[filter->ascending ? up : down];
    (void)sqlite3_bind_int64(stmt, 1, question->from);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)filter->limit);
    return stmt;
}

static enum stk_rc collect(struct stk_sqlite *self, sqlite3_stmt *stmt, struct ids *ids,
                           struct stk_error *err)
{
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "list jobs", &row, err)) == STK_OK && row) {
        add_id(ids, sqlite3_column_int64(stmt, 0));
    }
    return rc;
}

static enum stk_rc list_all(struct stk_sqlite *self, const struct question *question,
                            struct ids *ids, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = path_of(self, question, STMT_JOBS_ALL_UP, STMT_JOBS_ALL_DOWN);
    return collect(self, stmt, ids, err);
}

static enum stk_rc list_task_state(struct stk_sqlite *self, const struct question *question,
                                   int64_t task_id, int state, struct ids *ids,
                                   struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = path_of(self, question, STMT_JOBS_STATE_UP, STMT_JOBS_STATE_DOWN);
    (void)sqlite3_bind_int64(stmt, 3, task_id);
    stk_sqlite_bind_text(stmt, 4, stk_state_name((enum stk_state)state));
    return collect(self, stmt, ids, err);
}

static int compare_up(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_down(const void *a, const void *b)
{
    return compare_up(b, a);
}

/* Each task's jobs in a state are in order; a few such lists are merged. */
static enum stk_rc list_by_state(struct stk_sqlite *self, const struct question *question,
                                 struct ids *ids, struct stk_error *err)
{
    const struct stk_job_filter *filter = question->filter;
    for (size_t i = 0; i < self->words.task_count; i++) {
        int64_t task_id = self->words.tasks[i].id;
        if (question->task_id != 0 && question->task_id != task_id) continue;
        for (int state = 0; state < STK_STATE_COUNT_; state++) {
            if (filter->state >= 0 && filter->state != state) continue;
            enum stk_rc rc = list_task_state(self, question, task_id, state, ids, err);
            if (rc != STK_OK) return rc;
        }
    }
    if (ids->count > 1) {
        qsort(ids->ids, ids->count, sizeof(*ids->ids),
              filter->ascending ? compare_up : compare_down);
    }
    if (ids->count > filter->limit) ids->count = filter->limit;
    return STK_OK;
}

/* --- lists of a sweep ---------------------------------------------------- */

static enum stk_rc task_of_sweep(struct stk_sqlite *self, int64_t sweep_id, int64_t *ret_task_id,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_SWEEP_GET];
    (void)sqlite3_bind_int64(stmt, 1, sweep_id);
    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "find a sweep", &row, err);
    if (rc == STK_OK) *ret_task_id = row ? sqlite3_column_int64(stmt, 8) : 0;
    return rc;
}

static enum stk_rc count_task_state(struct stk_sqlite *self, int64_t task_id, int state,
                                    int64_t *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_COUNT_TASK_STATE];
    (void)sqlite3_bind_int64(stmt, 1, task_id);
    stk_sqlite_bind_text(stmt, 2, stk_state_name((enum stk_state)state));
    return stk_sqlite_number(self, stmt, "read the counters", 0, ret, err);
}

static enum stk_rc list_sweep(struct stk_sqlite *self, const struct question *question,
                              struct ids *ids, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = path_of(self, question, STMT_JOBS_SWEEP_UP, STMT_JOBS_SWEEP_DOWN);
    (void)sqlite3_bind_int64(stmt, 3, question->filter->sweep_id);
    return collect(self, stmt, ids, err);
}

/* Walking the sweep passes jobs in other states, walking the state passes jobs
 * of other sweeps: whichever has fewer to pass. */
static enum stk_rc list_sweep_state(struct stk_sqlite *self, const struct question *question,
                                    int64_t task_id, struct ids *ids, struct stk_error *err)
{
    const struct stk_job_filter *filter = question->filter;
    struct stk_counts counts = { 0 };
    int64_t in_state = 0;
    enum stk_rc rc = stk_sqlite_counts(&self->base, filter->sweep_id, &counts, err);
    if (rc == STK_OK) rc = count_task_state(self, task_id, filter->state, &in_state, err);
    if (rc != STK_OK || counts.of[filter->state] == 0) return rc;

    bool is_rare = in_state < stk_counts_total(&counts);
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt =
        is_rare ? path_of(self, question, STMT_JOBS_SWEEP_RARE_UP, STMT_JOBS_SWEEP_RARE_DOWN)
                : path_of(self, question, STMT_JOBS_SWEEP_WALK_UP, STMT_JOBS_SWEEP_WALK_DOWN);
    (void)sqlite3_bind_int64(stmt, 3, filter->sweep_id);
    stk_sqlite_bind_text(stmt, 4, stk_state_name((enum stk_state)filter->state));
    if (is_rare) (void)sqlite3_bind_int64(stmt, 5, task_id);
    return collect(self, stmt, ids, err);
}

static enum stk_rc list_of_sweep(struct stk_sqlite *self, const struct question *question,
                                 struct ids *ids, struct stk_error *err)
{
    const struct stk_job_filter *filter = question->filter;
    int64_t task_id = 0;
    enum stk_rc rc = task_of_sweep(self, filter->sweep_id, &task_id, err);
    if (rc != STK_OK || task_id == 0) return rc;
    if (question->task_id != 0 && question->task_id != task_id) return STK_OK;
    return filter->state < 0 ? list_sweep(self, question, ids, err)
                             : list_sweep_state(self, question, task_id, ids, err);
}

/* --- what is asked ------------------------------------------------------- */

/* False: no job can be meant, the task has never been seen. */
static bool make_question(const struct stk_sqlite *self, const struct stk_job_filter *filter,
                          struct question *ret)
{
    bool from_end = filter->after_id == 0 && !filter->ascending;
    *ret = (struct question){
        .filter = filter,
        .from = from_end ? INT64_MAX : filter->after_id,
        .task_id = stk_words_task_id(&self->words, filter->task),
    };
    return filter->task == NULL || ret->task_id != 0;
}

static enum stk_rc list(struct stk_sqlite *self, const struct question *question, struct ids *ids,
                        struct stk_error *err)
{
    const struct stk_job_filter *filter = question->filter;
    if (filter->sweep_id != 0) return list_of_sweep(self, question, ids, err);
    bool any = filter->state < 0 && filter->task == NULL;
    return any ? list_all(self, question, ids, err) : list_by_state(self, question, ids, err);
}

enum stk_rc stk_sqlite_jobs(struct stk_store *store, const struct stk_job_filter *filter,
                            stk_job_fn each, void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_read_endp) struct read_txn txn = READ_TXN_INIT;
    STK_CLEANUP(release_ids) struct ids ids = { 0 };
    enum stk_rc rc = stk_sqlite_read_begin(self, &txn, err);
    if (rc == STK_OK) rc = stk_sqlite_words(self, err);
    if (rc != STK_OK) return rc;

    struct question question;
    if (!make_question(self, filter, &question)) return STK_OK;
    rc = list(self, &question, &ids, err);
    for (size_t i = 0; i < ids.count && rc == STK_OK; i++) {
        rc = stk_sqlite_job(store, ids.ids[i], each, context, err);
    }
    return rc;
}

/* --- places and attempts ------------------------------------------------- */

static enum stk_rc count_ahead(struct stk_sqlite *self, int64_t id, int64_t queue_id,
                               int64_t priority, int64_t most, int64_t *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_AHEAD];
    (void)sqlite3_bind_int64(stmt, 1, queue_id);
    (void)sqlite3_bind_int64(stmt, 2, priority);
    (void)sqlite3_bind_int64(stmt, 3, id);
    (void)sqlite3_bind_int64(stmt, 4, most);
    return stk_sqlite_number(self, stmt, "count the jobs ahead", 0, ret, err);
}

enum stk_rc stk_sqlite_jobs_ahead(struct stk_store *store, int64_t id, int64_t most, int64_t *ret,
                                  struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_read_endp) struct read_txn txn = READ_TXN_INIT;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_JOB_PLACE];
    enum stk_rc rc = stk_sqlite_read_begin(self, &txn, err);
    if (rc != STK_OK) return rc;

    bool row = false;
    (void)sqlite3_bind_int64(stmt, 1, id);
    rc = stk_sqlite_next(self, stmt, "find a job's place", &row, err);
    if (rc != STK_OK) return rc;
    if (!row) return stk_fail(err, STK_NOT_FOUND, "there is no job %lld", (long long)id);
    return count_ahead(self, id, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), most,
                       ret, err);
}

static struct stk_attempt attempt_of(sqlite3_stmt *stmt)
{
    bool no_status = sqlite3_column_type(stmt, 6) == SQLITE_NULL;
    return (struct stk_attempt){
        .attempt = (uint32_t)sqlite3_column_int64(stmt, 0),
        .attempt_id = sqlite3_column_int64(stmt, 1),
        .outcome = stk_sqlite_text(stmt, 2),
        .error = stk_sqlite_text(stmt, 3),
        .tail = stk_sqlite_text(stmt, 4),
        .result = stk_sqlite_text(stmt, 5),
        .exit_status = no_status ? -1 : sqlite3_column_int(stmt, 6),
        .pool_id = sqlite3_column_int64(stmt, 7),
        .worker = (uint32_t)sqlite3_column_int64(stmt, 8),
        .started_at = stk_sqlite_time(stmt, 9),
        .finished_at = stk_sqlite_time(stmt, 10),
    };
}

enum stk_rc stk_sqlite_attempts(struct stk_store *store, int64_t job_id, stk_attempt_fn each,
                                void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_ATTEMPT_LIST];
    (void)sqlite3_bind_int64(stmt, 1, job_id);
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read attempts", &row, err)) == STK_OK && row) {
        struct stk_attempt attempt = attempt_of(stmt);
        each(context, &attempt);
    }
    return rc;
}
