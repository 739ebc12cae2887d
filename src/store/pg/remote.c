/* SPDX-License-Identifier: MIT
 *
 * Jobs that run at an authority. Such a job is running all the time; between
 * two polls it is parked: no worker (0), a row in `remote` with its next poll.
 * A claim for a poll gives it a worker and a new attempt id, so that an answer
 * of the poll before it is refused; it may be of another pool than the last.
 *
 * Jobs that run here have no row in `remote`, and cost no statement for it:
 * has_remote, next_poll and the live jobs say so in memory.
 */
#include "store/ending.h"
#include "store/pg/pg.h"

#include <assert.h>

#include "base/rand.h"

static enum stk_rc take_next(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                             struct stk_error *err)
{
    (void)context, (void)err;
    self->next_poll = stk_pg_time(rows, 0, 0);
    return STK_OK;
}

enum stk_rc stk_pg_poll_reread(struct stk_pg *self, struct stk_error *err)
{
    self->next_poll = STK_NEVER;
    if (!self->has_remote) return STK_OK;
    return stk_pg_send(self, STMT_REMOTE_NEXT, "read the next poll's time", take_next, NULL, err);
}

/* What a transaction that was rolled back said of it is not true: it is read
 * again; without a connection, by the next begin. */
stk_time_ns stk_pg_next_poll(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    bool is_true = self->due_read_at != 0 || self->in_txn;
    if (is_true || self->conn == NULL) return self->next_poll;
    enum stk_rc rc = stk_pg_due_send(self, NULL);
    if (rc == STK_OK) rc = stk_pg_collect(self, NULL, NULL);
    if (rc != STK_OK) stk_pg_due_doubt(self);
    return self->next_poll;
}

/* --- noting, parking, forgetting ----------------------------------------- */

static void note_place(struct stk_pg *self, int64_t job_id)
{
    struct live *live = stk_pg_live_find(self, job_id);
    self->has_remote = true;
    if (live != NULL) live->is_remote = true;
}

enum stk_rc stk_pg_remote_note(struct stk_store *store, int64_t job_id, int64_t attempt_id,
                               stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, job_id);
    stk_pg_arg_int(self, attempt_id);
    stk_pg_arg_int(self, now);
    rc = stk_pg_change(self, STMT_REMOTE_NOTE, "note that a job is being submitted", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return stk_ending_fail_note(job_id, err);
    note_place(self, job_id);
    return STK_OK;
}

static enum stk_rc park_again(struct stk_pg *self, const struct stk_settle *settle, bool cancel,
                              stk_time_ns now, struct stk_error *err)
{
    stk_time_ns poll_at = stk_ending_poll_at(settle, cancel, now);
    int64_t changed = 0;
    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, poll_at);
    enum stk_rc rc = stk_pg_change(self, STMT_REMOTE_PARK_AGAIN, "park a job", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return stk_ending_fail_park(err);
    self->has_remote = true;
    stk_pg_poll_by(self, poll_at);
    return STK_OK;
}

enum stk_rc stk_pg_remote_park(struct stk_pg *self, const struct stk_settle *settle,
                               int64_t queue_id, bool cancel, stk_time_ns now,
                               struct stk_error *err)
{
    const struct stk_remote *remote = settle->remote;
    if (remote == NULL) return park_again(self, settle, cancel, now, err);
    bool is_known = remote->phase == STK_REMOTE_ADOPTING || remote->phase == STK_REMOTE_FETCH ||
                    (remote->phase == STK_REMOTE_HANDLE && remote->handle != NULL);
    if (!is_known) return stk_ending_fail_park(err);

    stk_pg_arg_int(self, settle->id);
    stk_pg_arg_int(self, queue_id);
    stk_pg_arg_text(self, stk_remote_phase_name(remote->phase));
    stk_pg_arg_text(self, remote->handle);
    stk_pg_arg_text(self, remote->result);
    stk_pg_arg_int(self, remote->submitted_at);
    stk_pg_arg_int(self, remote->poll_at);
    stk_pg_arg_int(self, remote->seen_at);
    stk_pg_arg_int(self, remote->run_ns);
    stk_pg_arg_int(self, remote->polls);
    stk_pg_arg_int(self, remote->fails);
    stk_pg_arg_bool(self, remote->gone);
    stk_pg_arg_real(self, remote->progress);
    stk_pg_arg_time(self, cancel ? now : STK_NEVER);
    enum stk_rc rc = stk_pg_send(self, STMT_REMOTE_PARK, "park a job", NULL, NULL, err);
    if (rc != STK_OK) return rc;

    note_place(self, settle->id);
    stk_pg_poll_by(self, cancel ? now : remote->poll_at);
    return STK_OK;
}

enum stk_rc stk_pg_remote_forget(struct stk_pg *self, int64_t job_id, struct stk_error *err)
{
    stk_pg_arg_int(self, job_id);
    return stk_pg_send(self, STMT_REMOTE_FORGET, "forget a remote job", NULL, NULL, err);
}

enum stk_rc stk_pg_take_polls(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                              struct stk_error *err)
{
    (void)context, (void)err;
    for (int i = 0; i < rows->count; i++) {
        self->has_remote = true;
        stk_pg_poll_by(self, stk_pg_int(rows, i, 0));
    }
    return STK_OK;
}

enum stk_rc stk_pg_remote_hurry(struct stk_pg *self, const int64_t *job_ids, size_t count,
                                stk_time_ns now, struct stk_error *err)
{
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, job_ids[i]);
    }
    stk_pg_array_end(self);
    stk_pg_arg_int(self, now);
    return stk_pg_send(self, STMT_REMOTE_HURRY, "hurry remote jobs", stk_pg_take_polls, NULL, err);
}

/* --- polls --------------------------------------------------------------- */

/* The columns phase, handle, result, submitted_at, ... from `at` on; its texts
 * are the reply's. */
static struct stk_remote remote_of(const struct stk_pg_rows *rows, int row, int at)
{
    enum stk_remote_phase phase = STK_REMOTE_NONE;
    bool known = stk_remote_phase_from_name(stk_pg_text(rows, row, at), &phase);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return (struct stk_remote){
        .phase = phase,
        .handle = stk_pg_text(rows, row, at + 1),
        .result = stk_pg_text(rows, row, at + 2),
        .submitted_at = stk_pg_int(rows, row, at + 3),
        .poll_at = stk_pg_time(rows, row, at + 4),
        .seen_at = stk_pg_int(rows, row, at + 5),
        .run_ns = stk_pg_int(rows, row, at + 6),
        .polls = (uint32_t)stk_pg_int(rows, row, at + 7),
        .fails = (uint32_t)stk_pg_int(rows, row, at + 8),
        .gone = stk_pg_bool(rows, row, at + 9),
        .progress = stk_pg_real(rows, row, at + 10),
    };
}

static struct stk_claim claim_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_claim){
        .id = stk_pg_int(rows, row, 0),
        .task_id = stk_pg_int(rows, row, 1),
        .sweep_id = stk_pg_int(rows, row, 2),
        .attempt = (uint32_t)stk_pg_int(rows, row, 3),
        .interruptions = (uint32_t)stk_pg_int(rows, row, 4),
        .params = stk_pg_text(rows, row, 5),
        .params_len = stk_pg_len(rows, row, 5),
        .started_at = stk_pg_int(rows, row, 6),
        .cancel_requested = stk_pg_bool(rows, row, 7),
        .attempt_id = stk_pg_int(rows, row, 8),
        .slot = (uint32_t)stk_pg_int(rows, row, 9),
        .remote = remote_of(rows, row, 10),
    };
}

static void hand_out(struct stk_pg *self, const struct stk_pg_rows *rows, int64_t queue_id,
                     stk_claim_fn each, void *context)
{
    for (int i = 0; i < rows->count; i++) {
        struct stk_claim claim = claim_of(rows, i);
        struct live live = {
            .id = claim.id,
            .attempt_id = claim.attempt_id,
            .task_id = claim.task_id,
            .queue_id = queue_id,
            .sweep_id = claim.sweep_id,
            .is_remote = true,
        };
        stk_pg_txn_claim(self, &live);
        each(context, &claim);
    }
}

static void bind_claim(struct stk_pg *self, int64_t queue_id, int64_t pool_id,
                       const uint32_t *slots, size_t count, stk_time_ns now)
{
    stk_pg_arg_int(self, queue_id);
    stk_pg_arg_int(self, pool_id);
    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, (int64_t)count);
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, stk_rand_id());
    }
    stk_pg_array_end(self);
    stk_pg_array_ints(self, count);
    for (size_t i = 0; i < count; i++) {
        stk_pg_item_int(self, slots[i]);
    }
    stk_pg_array_end(self);
}

/* A closed queue starts nothing; what runs of it goes on, and is asked for. */
enum stk_rc stk_pg_claim_polls(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                               const uint32_t *slots, size_t count, stk_time_ns now,
                               stk_claim_fn each, void *context, size_t *ret_count,
                               struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    *ret_count = 0;
    if (count == 0 || self->next_poll == STK_NEVER || self->next_poll > now) return STK_OK;

    self->claim_pool = pool_id;
    bind_claim(self, queue_id, pool_id, slots, count, now);
    rc = stk_pg_run(self, STMT_POLL_CLAIM, "claim polls", &rows, err);
    if (rc == STK_OK) rc = stk_pg_poll_reread(self, err);
    if (rc == STK_OK) rc = stk_pg_collect(self, NULL, err);
    if (rc != STK_OK) return rc;
    hand_out(self, &rows, queue_id, each, context);
    *ret_count = (size_t)rows.count;
    return STK_OK;
}

/* --- reading ------------------------------------------------------------- */

enum stk_rc stk_pg_remote(struct stk_store *store, int64_t job_id, stk_remote_fn each,
                          void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, job_id);
    enum stk_rc rc = stk_pg_run(self, STMT_REMOTE_GET, "read a remote job", &rows, err);
    if (rc != STK_OK) return rc;
    if (rows.count == 0) {
        return stk_fail(err, STK_NOT_FOUND, "job %lld is not at an authority", (long long)job_id);
    }
    struct stk_remote remote = remote_of(&rows, 0, 0);
    each(context, &remote);
    return STK_OK;
}
