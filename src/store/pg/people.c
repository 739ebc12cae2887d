/* SPDX-License-Identifier: MIT
 *
 * What people do to jobs: cancel and retry, in bounded steps. A step looks for
 * its jobs, locks them, in the order of their ids, and then decides by what they
 * are now: pools claim and settle all the while. What it then does, it does to
 * all of them at once.
 */
#include "store/deed.h"
#include "store/pg/pg.h"

#include <stdlib.h>

#include "base/alloc.h"

struct step_job {
    int64_t id, task_id, queue_id, sweep_id, rank;
    enum stk_state state;
};
struct step {
    int64_t *ids; /* that may be changed, as far as looking tells */
    size_t id_count;
    struct step_job *jobs; /* locked, and in a state to be changed */
    size_t count;
    int looked;
};

static void release_step(struct step *step)
{
    free(step->ids);
    free(step->jobs);
}

/* --- looking ------------------------------------------------------------- */

static int64_t first_of(const struct stk_job_range *range, int64_t cursor)
{
    if (cursor < range->first) return range->first;
    return cursor < INT64_MAX ? cursor + 1 : INT64_MAX;
}

static enum stk_rc look_by_state(struct stk_pg *self, const struct stk_job_range *range,
                                 int64_t cursor, struct stk_pg_rows *ret, struct stk_error *err)
{
    struct stk_pg_listing listing = {
        .state = range->state,
        .sweep_id = range->sweep_id,
        .first = first_of(range, cursor),
        .last = range->last,
        .ascending = true,
        .limit = STK_STORE_CHUNK,
    };
    return stk_pg_list_ids(self, &listing, ret, err);
}

static enum stk_rc look_at_all(struct stk_pg *self, const struct stk_job_range *range,
                               int64_t cursor, struct stk_pg_rows *ret, struct stk_error *err)
{
    stk_pg_arg_int(self, first_of(range, cursor));
    stk_pg_arg_int(self, range->last);
    stk_pg_arg_int(self, STK_DEED_LOOK_MAX);
    if (range->sweep_id == 0) return stk_pg_run(self, STMT_STEP_RANGE, "look for jobs", ret, err);
    stk_pg_arg_int(self, range->sweep_id);
    return stk_pg_run(self, STMT_STEP_SWEEP, "look for jobs", ret, err);
}

static void choose(const struct stk_deed *deed, const struct stk_pg_rows *rows,
                   struct stk_bulk *bulk, struct step *step)
{
    bool by_state = deed->range->state >= 0;
    int at_most = by_state ? STK_STORE_CHUNK : STK_DEED_LOOK_MAX;
    step->ids = stk_realloc(NULL, STK_STORE_CHUNK, sizeof(*step->ids));
    while (step->looked < rows->count && step->id_count < STK_STORE_CHUNK) {
        int row = step->looked++;
        enum stk_state state =
            by_state ? (enum stk_state)deed->range->state : stk_pg_state(rows, row, 1);
        bulk->cursor = stk_pg_int(rows, row, 0);
        if (stk_deed_takes(deed, state, bulk)) step->ids[step->id_count++] = bulk->cursor;
    }
    bulk->more = step->looked == at_most || step->id_count == STK_STORE_CHUNK;
}

static enum stk_rc look(struct stk_pg *self, const struct stk_deed *deed, struct stk_bulk *bulk,
                        struct step *step, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    const struct stk_job_range *range = deed->range;
    enum stk_rc rc = range->state >= 0 ? look_by_state(self, range, bulk->cursor, &rows, err)
                                       : look_at_all(self, range, bulk->cursor, &rows, err);
    if (rc == STK_OK) choose(deed, &rows, bulk, step);
    return rc;
}

/* --- locking ------------------------------------------------------------- */

static void bind_ids(struct stk_pg *self, const int64_t *ids, size_t count)
{
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, ids[i]);
    }
    stk_pg_array_end(self);
}

static struct step_job step_job_of(const struct stk_pg_rows *rows, int row)
{
    return (struct step_job){
        .id = stk_pg_int(rows, row, 0),
        .state = stk_pg_state(rows, row, 1),
        .task_id = stk_pg_int(rows, row, 2),
        .queue_id = stk_pg_int(rows, row, 3),
        .sweep_id = stk_pg_int(rows, row, 4),
        .rank = stk_pg_int(rows, row, 5),
    };
}

/* Who waited for a lock is given the row as its last owner left it. */
static enum stk_rc lock(struct stk_pg *self, const struct stk_deed *deed, struct stk_bulk *bulk,
                        struct step *step, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    if (step->id_count == 0) return STK_OK;
    bind_ids(self, step->ids, step->id_count);
    enum stk_rc rc = stk_pg_run(self, STMT_STEP_LOCK, "lock jobs", &rows, err);
    if (rc != STK_OK) return rc;

    step->jobs = stk_realloc(NULL, (size_t)rows.count + 1, sizeof(*step->jobs));
    for (int i = 0; i < rows.count; i++) {
        struct step_job job = step_job_of(&rows, i);
        if (stk_deed_takes(deed, job.state, bulk)) step->jobs[step->count++] = job;
    }
    return STK_OK;
}

/* The locked jobs in that state, for a statement. */
static void bind_state(struct stk_pg *self, struct step *step, enum stk_state state)
{
    step->id_count = 0;
    for (size_t i = 0; i < step->count; i++) {
        if (step->jobs[i].state == state) step->ids[step->id_count++] = step->jobs[i].id;
    }
    bind_ids(self, step->ids, step->id_count);
}

static int64_t count_state(const struct step *step, enum stk_state state)
{
    int64_t count = 0;
    for (size_t i = 0; i < step->count; i++) {
        if (step->jobs[i].state == state) count++;
    }
    return count;
}

/* --- is there anything? -------------------------------------------------- */

static enum stk_rc check_range(struct stk_pg *self, const struct stk_deed *deed,
                               struct stk_error *err)
{
    const struct stk_job_range *range = deed->range;
    bool in_sweep = range->sweep_id != 0;
    int64_t exists = 0;
    stk_pg_arg_int(self, range->first);
    stk_pg_arg_int(self, range->last);
    if (in_sweep) stk_pg_arg_int(self, range->sweep_id);
    enum stk_rc rc = stk_pg_number(self, in_sweep ? STMT_RANGE_EXISTS_SWEEP : STMT_RANGE_EXISTS,
                                   "look for jobs", 0, &exists, err);
    if (rc != STK_OK || exists == 1) return rc;
    return stk_deed_fail_none(deed, err);
}

static enum stk_rc begin_step(struct stk_pg *self, const struct stk_deed *deed,
                              struct stk_bulk *bulk, struct step *step, struct stk_error *err)
{
    bool is_first = bulk->cursor == 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = look(self, deed, bulk, step, err);
    if (rc == STK_OK && is_first && step->looked == 0) rc = check_range(self, deed, err);
    return rc == STK_OK ? lock(self, deed, bulk, step, err) : rc;
}

static void count_all(struct stk_pg *self, const struct step *step, enum stk_state from,
                      enum stk_state to, stk_time_ns now)
{
    for (size_t i = 0; i < step->count; i++) {
        const struct step_job *job = &step->jobs[i];
        if (job->state != from) continue;
        stk_pg_count(self, job->sweep_id, job->queue_id, job->task_id, from, to, now);
    }
}

/* --- cancel -------------------------------------------------------------- */

static enum stk_rc cancel_pending(struct stk_pg *self, struct step *step, const char *error,
                                  stk_time_ns now, struct stk_bulk *bulk, struct stk_error *err)
{
    int64_t count = count_state(step, STK_STATE_PENDING);
    if (count == 0) return STK_OK;
    bind_state(self, step, STK_STATE_PENDING);
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, error);
    enum stk_rc rc = stk_pg_send(self, STMT_JOBS_CANCEL, "cancel jobs", NULL, NULL, err);
    if (rc != STK_OK) return rc;
    count_all(self, step, STK_STATE_PENDING, STK_STATE_CANCELLED, now);
    bulk->changed += count;
    return STK_OK;
}

/* Marked in their rows, told to their pools; of those that run elsewhere and
 * wait for their next poll, the poll is due now. */
static enum stk_rc ask_running(struct stk_pg *self, struct step *step, const char *error,
                               stk_time_ns now, struct stk_bulk *bulk, struct stk_error *err)
{
    int64_t count = count_state(step, STK_STATE_RUNNING);
    if (count == 0) return STK_OK;
    bind_state(self, step, STK_STATE_RUNNING);
    stk_pg_arg_text(self, error);
    enum stk_rc rc = stk_pg_send(self, STMT_JOBS_CANCEL_ASK, "ask jobs to stop", NULL, NULL, err);
    if (rc != STK_OK) return rc;
    bind_ids(self, step->ids, step->id_count);
    rc = stk_pg_send(self, STMT_CANCEL_TELL, "tell pools to stop jobs", NULL, NULL, err);
    if (rc == STK_OK) rc = stk_pg_remote_hurry(self, step->ids, step->id_count, now, err);
    if (rc != STK_OK) return rc;
    stk_pg_hint(self, STK_HINT_CANCELS);
    bulk->asked += count;
    return STK_OK;
}

enum stk_rc stk_pg_cancel(struct stk_store *store, const struct stk_job_range *range,
                          const char *reason, const char *actor, stk_time_ns now,
                          struct stk_bulk *bulk, void (*running)(void *context, int64_t job_id),
                          void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    struct stk_deed deed = { STK_ACTION_CANCEL, range, reason, actor, now };
    STK_CLEANUP(stk_freep) char *error = stk_deed_make_error(&deed);
    STK_CLEANUP(release_step) struct step step = { 0 };

    enum stk_rc rc = begin_step(self, &deed, bulk, &step, err);
    if (rc == STK_OK) rc = cancel_pending(self, &step, error, now, bulk, err);
    if (rc == STK_OK) rc = ask_running(self, &step, error, now, bulk, err);
    if (rc == STK_OK) rc = stk_deed_tell(store, &deed, bulk, err);
    if (rc == STK_OK) rc = stk_pg_collect(self, NULL, err); /* next_poll may have become earlier */
    for (size_t i = 0; rc == STK_OK && running != NULL && i < step.count; i++) {
        if (step.jobs[i].state == STK_STATE_RUNNING) running(context, step.jobs[i].id);
    }
    return rc;
}

/* --- retry --------------------------------------------------------------- */

static enum stk_rc keep_completed(struct stk_pg *self, struct step *step, struct stk_error *err)
{
    if (count_state(step, STK_STATE_COMPLETED) == 0) return STK_OK;
    bind_state(self, step, STK_STATE_COMPLETED);
    return stk_pg_send(self, STMT_ATTEMPT_KEEP, "keep completed attempts", NULL, NULL, err);
}

static void now_due(struct stk_pg *self, const struct step *step)
{
    for (size_t i = 0; i < step->count; i++) {
        stk_pg_floor_lower(self, step->jobs[i].queue_id, step->jobs[i].rank, step->jobs[i].id);
    }
    stk_pg_hint(self, STK_HINT_JOBS);
}

static enum stk_rc put_back(struct stk_pg *self, struct step *step, stk_time_ns now,
                            struct stk_bulk *bulk, struct stk_error *err)
{
    if (step->count == 0) return STK_OK;
    stk_pg_array_ints(self, step->count);
    for (size_t i = 0; i < step->count; i++) {
        stk_pg_item_int(self, step->jobs[i].id);
    }
    stk_pg_array_end(self);
    stk_pg_arg_int(self, now);
    enum stk_rc rc = stk_pg_send(self, STMT_JOBS_RETRY, "put jobs back", NULL, NULL, err);
    if (rc != STK_OK) return rc;

    for (enum stk_state from = 0; from < STK_STATE_COUNT_; from++) {
        count_all(self, step, from, STK_STATE_PENDING, now);
    }
    now_due(self, step);
    bulk->changed += (int64_t)step->count;
    return STK_OK;
}

enum stk_rc stk_pg_retry(struct stk_store *store, const struct stk_job_range *range,
                         const char *reason, const char *actor, stk_time_ns now,
                         struct stk_bulk *bulk, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    struct stk_deed deed = { STK_ACTION_RETRY, range, reason, actor, now };
    STK_CLEANUP(release_step) struct step step = { 0 };

    enum stk_rc rc = begin_step(self, &deed, bulk, &step, err);
    if (rc == STK_OK) rc = keep_completed(self, &step, err);
    if (rc == STK_OK) rc = put_back(self, &step, now, bulk, err);
    return rc == STK_OK ? stk_deed_tell(store, &deed, bulk, err) : rc;
}

/* --- held jobs ------------------------------------------------------------ */

enum stk_rc stk_pg_release_held(struct stk_store *store, int64_t task_id, stk_time_ns now,
                                struct stk_bulk *bulk, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, task_id);
    stk_pg_arg_int(self, bulk->cursor);
    stk_pg_arg_int(self, STK_STORE_CHUNK);
    stk_pg_arg_int(self, now);
    rc = stk_pg_run(self, STMT_HELD_RELEASE, "release held jobs", &rows, err);
    if (rc != STK_OK) return rc;

    for (int i = 0; i < rows.count; i++) {
        int64_t id = stk_pg_int(&rows, i, 0);
        if (id > bulk->cursor) bulk->cursor = id; /* RETURNING promises no order */
        stk_pg_floor_lower(self, stk_pg_int(&rows, i, 1), stk_pg_int(&rows, i, 2), id);
    }
    if (rows.count > 0) stk_pg_hint(self, STK_HINT_JOBS);
    bulk->changed += rows.count;
    bulk->more = rows.count == STK_STORE_CHUNK;
    return STK_OK;
}
