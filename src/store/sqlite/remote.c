/* SPDX-License-Identifier: MIT
 *
 * Jobs that run at an authority. Such a job is running all the time; between
 * two polls it is parked: no worker (0), a row in `remote` with its next poll.
 * A claim for a poll gives it a worker and a new attempt id, so that an answer
 * of the poll before it is refused.
 *
 * Jobs that run here have no row in `remote`, and cost no statement for it:
 * has_remote, next_poll and the claimed places say so in memory.
 */
#include "store/ending.h"
#include "store/sqlite/sqlite.h"

#include <assert.h>

#include "base/rand.h"

void stk_sqlite_poll_reread(struct stk_sqlite *self)
{
    if (!self->has_remote) {
        self->next_poll = STK_NEVER;
        return;
    }
    int64_t poll = 0;
    enum stk_rc rc = stk_sqlite_number(self, self->stmts[STMT_REMOTE_NEXT],
                                       "read the next poll's time", STK_NEVER, &poll, NULL);
    self->next_poll = rc == STK_OK ? poll : 0;
}

stk_time_ns stk_sqlite_next_poll(struct stk_store *store)
{
    return downcast(store)->next_poll;
}

/* --- noting, parking, forgetting ----------------------------------------- */

static void note_place(struct stk_sqlite *self, int64_t job_id)
{
    struct claimed *claimed = stk_sqlite_claimed_place(self, job_id);
    self->has_remote = true;
    if (claimed->id == job_id) claimed->is_remote = true;
}

enum stk_rc stk_sqlite_remote_note(struct stk_store *store, int64_t job_id, int64_t attempt_id,
                                   stk_time_ns now, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_NOTE];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, job_id);
    (void)sqlite3_bind_int64(stmt, 2, attempt_id);
    (void)sqlite3_bind_int64(stmt, 3, now);
    rc = stk_sqlite_run(self, stmt, "note that a job is being submitted", err);
    if (rc != STK_OK) return rc;
    if (sqlite3_changes(self->db) == 0) return stk_ending_fail_note(job_id, err);
    note_place(self, job_id);
    return STK_OK;
}

static enum stk_rc park_again(struct stk_sqlite *self, const struct stk_settle *settle, bool cancel,
                              stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_PARK_AGAIN];
    stk_time_ns poll_at = stk_ending_poll_at(settle, cancel, now);
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, poll_at);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "park a job", err);
    if (rc != STK_OK) return rc;
    if (sqlite3_changes(self->db) == 0) return stk_ending_fail_park(err);
    stk_sqlite_poll_by(self, poll_at);
    return STK_OK;
}

enum stk_rc stk_sqlite_remote_park(struct stk_sqlite *self, const struct stk_settle *settle,
                                   int64_t queue_id, bool cancel, stk_time_ns now,
                                   struct stk_error *err)
{
    const struct stk_remote *remote = settle->remote;
    if (remote == NULL) return park_again(self, settle, cancel, now, err);

    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_PARK];
    (void)sqlite3_bind_int64(stmt, 1, settle->id);
    (void)sqlite3_bind_int64(stmt, 2, queue_id);
    stk_sqlite_bind_text(stmt, 3, stk_remote_phase_name(remote->phase));
    stk_sqlite_bind_text(stmt, 4, remote->handle);
    stk_sqlite_bind_text(stmt, 5, remote->result);
    (void)sqlite3_bind_int64(stmt, 6, remote->submitted_at);
    (void)sqlite3_bind_int64(stmt, 7, remote->poll_at);
    (void)sqlite3_bind_int64(stmt, 8, remote->seen_at);
    (void)sqlite3_bind_int64(stmt, 9, remote->run_ns);
    (void)sqlite3_bind_int64(stmt, 10, remote->polls);
    (void)sqlite3_bind_int64(stmt, 11, remote->fails);
    (void)sqlite3_bind_int(stmt, 12, remote->gone ? 1 : 0);
    (void)sqlite3_bind_double(stmt, 13, remote->progress);
    if (cancel) (void)sqlite3_bind_int64(stmt, 14, now);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "park a job", err);
    if (rc != STK_OK) return rc;

    note_place(self, settle->id);
    stk_sqlite_poll_by(self, cancel ? now : remote->poll_at);
    return STK_OK;
}

enum stk_rc stk_sqlite_remote_forget(struct stk_sqlite *self, int64_t job_id, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_FORGET];
    (void)sqlite3_bind_int64(stmt, 1, job_id);
    return stk_sqlite_run(self, stmt, "forget a remote job", err);
}

enum stk_rc stk_sqlite_remote_hurry(struct stk_sqlite *self, int64_t job_id, stk_time_ns now,
                                    struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_HURRY];
    (void)sqlite3_bind_int64(stmt, 1, job_id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "hurry a remote job", err);
    if (rc == STK_OK && sqlite3_changes(self->db) == 1) stk_sqlite_poll_by(self, now);
    return rc;
}

/* --- polls --------------------------------------------------------------- */

/* The columns phase, handle, result, submitted_at, ... from `at` on; its texts
 * are the statement's. */
static struct stk_remote remote_of(sqlite3_stmt *stmt, int at)
{
    enum stk_remote_phase phase = STK_REMOTE_NONE;
    bool known = stk_remote_phase_from_name(stk_sqlite_text(stmt, at), &phase);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return (struct stk_remote){
        .phase = phase,
        .handle = stk_sqlite_text(stmt, at + 1),
        .result = stk_sqlite_text(stmt, at + 2),
        .submitted_at = sqlite3_column_int64(stmt, at + 3),
        .poll_at = stk_sqlite_time(stmt, at + 4),
        .seen_at = sqlite3_column_int64(stmt, at + 5),
        .run_ns = sqlite3_column_int64(stmt, at + 6),
        .polls = (uint32_t)sqlite3_column_int64(stmt, at + 7),
        .fails = (uint32_t)sqlite3_column_int64(stmt, at + 8),
        .gone = sqlite3_column_int(stmt, at + 9) == 1,
        .progress = sqlite3_column_double(stmt, at + 10),
    };
}

static void note_pick(struct stk_sqlite *self, sqlite3_stmt *stmt, size_t at)
{
    self->picks[at] = (struct pick){
        .params_at = stk_sqlite_pick_text(self, stmt, 5),
        .handle_at = stk_sqlite_pick_text(self, stmt, 9),
        .result_at = stk_sqlite_pick_text(self, stmt, 10),
        .claim = {
            .id = sqlite3_column_int64(stmt, 0),
            .task_id = sqlite3_column_int64(stmt, 1),
            .sweep_id = sqlite3_column_int64(stmt, 2),
            .attempt = (uint32_t)sqlite3_column_int64(stmt, 3),
            .interruptions = (uint32_t)sqlite3_column_int64(stmt, 4),
            .params_len = (size_t)sqlite3_column_bytes(stmt, 5),
            .started_at = sqlite3_column_int64(stmt, 6),
            .cancel_requested = sqlite3_column_int(stmt, 7) == 1,
            .remote = remote_of(stmt, 8),
        },
    };
}

static enum stk_rc pick(struct stk_sqlite *self, int64_t queue_id, size_t count, stk_time_ns now,
                        size_t *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_POLL_PICK];
    (void)sqlite3_bind_int64(stmt, 1, queue_id);
    (void)sqlite3_bind_int64(stmt, 2, now);
    (void)sqlite3_bind_int64(stmt, 3, (int64_t)count);
    stk_sqlite_picks_reserve(self, count);

    size_t picked = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "pick polls", &row, err)) == STK_OK && row) {
        note_pick(self, stmt, picked++);
    }
    if (rc == STK_OK) *ret_count = picked;
    return rc;
}

static enum stk_rc mark(struct stk_sqlite *self, struct stk_claim *claim, int64_t pool_id,
                        struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *job = self->stmts[STMT_JOB_POLL];
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *remote = self->stmts[STMT_REMOTE_TAKE];
    claim->attempt_id = stk_rand_id();
    (void)sqlite3_bind_int64(job, 1, claim->id);
    (void)sqlite3_bind_int64(job, 2, claim->attempt_id);
    (void)sqlite3_bind_int64(job, 3, pool_id);
    (void)sqlite3_bind_int64(job, 4, claim->slot);
    enum stk_rc rc = stk_sqlite_run(self, job, "claim a poll", err);
    if (rc != STK_OK) return rc;
    bool runs = sqlite3_changes(self->db) == 1;

    (void)sqlite3_bind_int64(remote, 1, claim->id);
    (void)sqlite3_bind_int(remote, 2, claim->cancel_requested ? 1 : 0);
    rc = stk_sqlite_run(self, remote, "claim a poll", err);
    if (rc != STK_OK || (runs && sqlite3_changes(self->db) == 1)) return rc;
    return stk_fail(err, STK_INTERNAL, "could not claim job %lld: it was parked a moment ago",
                    (long long)claim->id);
}

static void hand_out(struct stk_sqlite *self, struct pick *pick, int64_t queue_id,
                     stk_claim_fn each, void *context)
{
    struct stk_claim *claim = &pick->claim;
    claim->params = stk_sqlite_picked(self, pick->params_at);
    claim->remote.handle = stk_sqlite_picked(self, pick->handle_at);
    claim->remote.result = stk_sqlite_picked(self, pick->result_at);
    *stk_sqlite_claimed_place(self, claim->id) = (struct claimed){
        claim->id, claim->attempt_id, claim->task_id, queue_id, claim->sweep_id, true,
    };
    each(context, claim);
}

/* A closed queue starts nothing; what runs of it goes on, and is asked for. */
enum stk_rc stk_sqlite_claim_polls(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                                   const uint32_t *slots, size_t count, stk_time_ns now,
                                   stk_claim_fn each, void *context, size_t *ret_count,
                                   struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    *ret_count = 0;
    if (count == 0 || self->next_poll == STK_NEVER || self->next_poll > now) return STK_OK;

    size_t picked = 0;
    rc = pick(self, queue_id, count, now, &picked, err);
    for (size_t i = 0; i < picked && rc == STK_OK; i++) {
        self->picks[i].claim.slot = slots[i];
        rc = mark(self, &self->picks[i].claim, pool_id, err);
    }
    if (rc != STK_OK) return rc;

    stk_sqlite_poll_reread(self);
    for (size_t i = 0; i < picked; i++) {
        hand_out(self, &self->picks[i], queue_id, each, context);
    }
    *ret_count = picked;
    return STK_OK;
}

/* --- reading ------------------------------------------------------------- */

enum stk_rc stk_sqlite_remote(struct stk_store *store, int64_t job_id, stk_remote_fn each,
                              void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_REMOTE_GET];
    (void)sqlite3_bind_int64(stmt, 1, job_id);
    bool row = false;
    enum stk_rc rc = stk_sqlite_next(self, stmt, "read a remote job", &row, err);
    if (rc != STK_OK) return rc;
    if (!row) {
        return stk_fail(err, STK_NOT_FOUND, "job %lld is not at an authority", (long long)job_id);
    }
    struct stk_remote remote = remote_of(stmt, 0);
    each(context, &remote);
    return STK_OK;
}
