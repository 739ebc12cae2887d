/* SPDX-License-Identifier: MIT
 *
 * Transactions, the database's clock, and what becomes of a commit whose answer
 * is lost. Every writing transaction knows its number (xid) before it commits,
 * so that after a new connection the server can be asked what became of it.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"

#define STEP_NS  STK_SECOND     /* a leap of the clock that is worth a word */
#define DUE_NS   (200 * STK_MS) /* next_due and next_poll are read again after */
#define PAUSE_NS (100 * STK_MS) /* between two tries to find out about a commit */

/* --- time ------------------------------------------------------------------ */

/* As of the answer: an answer's way back makes this clock late by at most a
 * round trip, and never early. Between two answers it never goes back; a leap of
 * the database's own clock is followed. */
stk_time_ns stk_pg_now(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    stk_time_ns now = self->clock_db + (stk_clock_mono() - self->clock_mono);
    if (now < self->clock_last) now = self->clock_last;
    self->clock_last = now;
    return now;
}

void stk_pg_clock_set(struct stk_pg *self, stk_time_ns db)
{
    stk_time_ns mono = stk_clock_mono();
    stk_time_ns step = db - (self->clock_db + (mono - self->clock_mono));
    bool is_step = self->clock_db != 0 && (step > STEP_NS || step < -STEP_NS);
    if (is_step) {
        self->clock_step = step;
        self->clock_step_mono = mono;
        self->clock_last = 0;
    }
    self->clock_db = db;
    self->clock_mono = mono;
}

stk_time_ns stk_pg_lease(struct stk_store *store)
{
    return downcast(store)->lease_ns;
}

/* --- what a transaction did -------------------------------------------------- */

static void doings_clear(struct doings *doings)
{
    doings->claim_count = doings->settle_count = 0;
}

static void doings_release(struct doings *doings)
{
    free(doings->claims);
    free(doings->settles);
    *doings = (struct doings){ 0 };
}

void stk_pg_txn_claim(struct stk_pg *self, const struct live *claim)
{
    struct doings *doings = &self->doings;
    if (doings->claim_count == doings->claim_size) {
        doings->claim_size = doings->claim_size == 0 ? 64 : 2 * doings->claim_size;
        doings->claims = stk_realloc(doings->claims, doings->claim_size, sizeof(*doings->claims));
    }
    doings->claims[doings->claim_count++] = *claim;
}

void stk_pg_txn_settle(struct stk_pg *self, int64_t job_id, int64_t attempt_id)
{
    struct doings *doings = &self->doings;
    if (doings->settle_count == doings->settle_size) {
        doings->settle_size = doings->settle_size == 0 ? 64 : 2 * doings->settle_size;
        doings->settles =
            stk_realloc(doings->settles, doings->settle_size, sizeof(*doings->settles));
    }
    doings->settles[doings->settle_count++] = (struct job_attempt){ job_id, attempt_id };
}

static void doings_are_true(struct stk_pg *self)
{
    for (size_t i = 0; i < self->doings.claim_count; i++) {
        stk_pg_live_add(self, &self->doings.claims[i]);
    }
    for (size_t i = 0; i < self->doings.settle_count; i++) {
        stk_pg_live_remove(self, self->doings.settles[i].id);
    }
    doings_clear(&self->doings);
}

/* --- commits in doubt --------------------------------------------------------- */

bool stk_pg_settled_lately(const struct stk_pg *self, int64_t job_id, int64_t attempt_id)
{
    const struct doings *doings = &self->doubt.doings;
    if (self->doubt.state == DOUBT_OPEN) return false;
    for (size_t i = 0; i < doings->settle_count; i++) {
        const struct job_attempt *settled = &doings->settles[i];
        if (settled->id == job_id && settled->attempt_id == attempt_id) return true;
    }
    return false;
}

static void open_doubt(struct stk_pg *self)
{
    struct doubt *doubt = &self->doubt;
    doings_release(&doubt->doings);
    *doubt = (struct doubt){
        .state = DOUBT_OPEN, .xid = self->xid, .timeline = self->timeline, .doings = self->doings
    };
    self->doings = (struct doings){ 0 };
}

/* After a failover that number may be another transaction's: then the rows
 * themselves answer. A settle tried again is refused when it was recorded, and
 * no claim of it is in anybody's hands. */
static enum stk_rc ask_about(struct stk_pg *self, bool *ret_committed, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    *ret_committed = false;
    if (self->doubt.timeline != self->timeline) return STK_OK;
    stk_pg_arg_int(self, self->doubt.xid);
    enum stk_rc rc = stk_pg_run(self, STMT_TXN_STATUS, "ask what became of a commit", &rows, err);
    if (rc != STK_OK) return rc;

    const char *status = stk_pg_text(&rows, 0, 0);
    bool is_open = status != NULL && strcmp(status, "in progress") == 0;
    *ret_committed = status != NULL && strcmp(status, "committed") == 0;
    if (!is_open) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "the server (%s) has not ended a lost connection's "
                    "commit yet",
                    self->place);
}

enum stk_rc stk_pg_doubt_resolve(struct stk_pg *self, struct stk_error *err)
{
    bool committed = false;
    if (self->doubt.state != DOUBT_OPEN) return STK_OK;
    bool other_timeline = self->doubt.timeline != self->timeline;
    enum stk_rc rc = ask_about(self, &committed, err);
    if (rc != STK_OK) return rc;
    if (!committed) self->doubt.doings.settle_count = 0;
    if (!committed && !other_timeline) self->doubt.doings.claim_count = 0;
    self->doubt.state = DOUBT_KNOWN;
    self->doubt.committed = committed;
    return STK_OK;
}

/* Its answer is lost. True: it is committed all the same. */
static bool find_out(struct stk_pg *self)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    stk_time_ns deadline = stk_clock_mono() + STK_PG_DOUBT_NS;
    bool was_in_txn = self->in_txn;
    self->in_txn = false; /* what is asked is no part of it */
    while (stk_pg_be_connected(self, NULL) != STK_OK && stk_clock_mono() < deadline) {
        (void)nanosleep(&pause, NULL);
    }
    self->in_txn = was_in_txn;
    return self->doubt.state == DOUBT_KNOWN && self->doubt.committed;
}

static enum stk_rc give_back(struct stk_pg *self, struct stk_error *err)
{
    struct doubt *doubt = &self->doubt;
    if (doubt->state != DOUBT_KNOWN || doubt->doings.claim_count == 0) return STK_OK;
    return stk_pg_claims_back(self, doubt->doings.claims, doubt->doings.claim_count, err);
}

/* --- begin, commit, rollback --------------------------------------------------- */

static enum stk_rc take_start(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                              struct stk_error *err)
{
    (void)context, (void)err;
    stk_pg_clock_set(self, stk_pg_int(rows, 0, 0));
    self->xid = stk_pg_int(rows, 0, 1);
    return STK_OK;
}

static enum stk_rc take_due(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                            struct stk_error *err)
{
    (void)context, (void)err;
    self->next_due = stk_pg_time(rows, 0, 0);
    self->next_poll = stk_pg_time(rows, 0, 1);
    if (self->next_poll != STK_NEVER) self->has_remote = true;
    return STK_OK;
}

enum stk_rc stk_pg_due_send(struct stk_pg *self, struct stk_error *err)
{
    self->due_read_at = stk_clock_mono();
    return stk_pg_send(self, STMT_TXN_DUE, "read the next due times", take_due, NULL, err);
}

static enum stk_rc start(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = stk_pg_send(self, STMT_TXN_BEGIN, "begin a transaction", NULL, NULL, err);
    if (rc == STK_OK) {
        rc = stk_pg_send(self, STMT_TXN_START, "begin a transaction", take_start, NULL, err);
    }
    bool is_old = self->due_read_at == 0 || stk_clock_mono() - self->due_read_at > DUE_NS;
    if (rc == STK_OK && is_old) rc = stk_pg_due_send(self, err);
    return rc == STK_OK ? give_back(self, err) : rc;
}

/* Nothing is waited for: it goes out with the transaction's first question. */
enum stk_rc stk_pg_begin(struct stk_store *store, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    assert(!self->read_only && !self->in_txn);
    enum stk_rc rc = stk_pg_be_connected(self, err);
    if (rc != STK_OK) return rc;
    self->in_txn = true;
    self->failed = false;
    self->xid = 0;
    self->hints = 0;
    self->counts.count = 0;
    self->words_in_use = false;
    stk_pg_gates_doubt(self);
    rc = start(self, err);
    if (rc != STK_OK) stk_pg_rollback(store);
    return rc;
}

enum stk_rc stk_pg_writing(const struct stk_pg *self, struct stk_error *err)
{
    assert(!self->read_only && self->in_txn);
    if (!self->failed) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "the transaction was rolled back by an earlier error (%s)", self->place);
}

/* What the server says to it is not asked: nothing of the transaction is kept
 * in any case. What is still out must come back first: a failed statement makes
 * the server skip all that follow it. */
static void end_txn(struct stk_pg *self)
{
    enum stk_rc rc = STK_OK;
    self->arg_count = 0;
    if (self->conn != NULL && self->sent_count > 0) rc = stk_pg_collect(self, NULL, NULL);
    if (self->conn != NULL) rc = stk_pg_run(self, STMT_TXN_ROLLBACK, "roll back", NULL, NULL);
    (void)rc;
}

static void forget_txn(struct stk_pg *self)
{
    self->in_txn = self->in_savepoint = self->failed = false;
    self->counts.count = 0;
    self->hints = 0;
    doings_clear(&self->doings);
    self->late_count = 0;
    stk_pg_floors_undo(self);
    self->words.known = false;
    stk_pg_gates_doubt(self);
    stk_pg_due_doubt(self);
}

void stk_pg_rollback(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    if (!self->in_txn) return;
    end_txn(self);
    forget_txn(self);
}

/* The server answers COMMIT of a transaction that has failed with ROLLBACK. */
static enum stk_rc say_commit(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_TXN_COMMIT, "commit", &rows, err);
    if (rc != STK_OK) return rc;
    if (strcmp(self->pq->PQcmdStatus(rows.result), "COMMIT") == 0) return STK_OK;
    return stk_fail(err, STK_INTERNAL, "could not commit: the server rolled back (%s)",
                    self->place);
}

/* For the pool's rescuers: what its next beat will know. */
static enum stk_rc log_claims(struct stk_pg *self, struct stk_error *err)
{
    const struct doings *doings = &self->doings;
    if (doings->claim_count == 0) return STK_OK;
    stk_pg_arg_int(self, self->claim_pool);
    stk_pg_array_ints(self, doings->claim_count);
    for (size_t i = 0; i < doings->claim_count; i++) {
        stk_pg_item_int(self, doings->claims[i].id);
    }
    stk_pg_array_end(self);
    return stk_pg_send(self, STMT_CLAIM_LOG, "note the claims", NULL, NULL, err);
}

static enum stk_rc write_out(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_settle_late(self, err);
    if (rc == STK_OK) rc = log_claims(self, err);
    if (rc == STK_OK) rc = stk_pg_counts_write(self, err);
    if (rc == STK_OK && self->xid == 0) rc = stk_pg_collect(self, NULL, err);
    if (rc == STK_OK && stk_fault(STK_FAULT_COMMIT_BEFORE)) {
        rc = stk_fail(err, STK_UNAVAILABLE, "could not commit: a fault was asked for");
    }
    return rc;
}

static enum stk_rc commit_surely(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = say_commit(self, err);
    if (rc == STK_OK || self->conn != NULL) return rc;
    open_doubt(self);
    if (!find_out(self)) return rc;
    self->doings = self->doubt.doings; /* it is as if the answer had come */
    self->doubt = (struct doubt){ 0 };
    return STK_OK;
}

enum stk_rc stk_pg_commit(struct stk_store *store, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    assert(self->in_txn && !self->in_savepoint);
    enum stk_rc rc = write_out(self, err);
    if (rc == STK_OK) rc = commit_surely(self, err);
    if (rc != STK_OK) {
        stk_pg_rollback(store);
        return rc;
    }
    /* Given back in this transaction, if there were any. */
    if (self->doubt.state == DOUBT_KNOWN) self->doubt.doings.claim_count = 0;
    doings_are_true(self);
    stk_pg_floors_keep(self);
    stk_past_committed(self);
    self->in_txn = false;
    self->hints_done |= self->hints;
    self->hints = 0;
    (void)stk_fault(STK_FAULT_COMMIT_AFTER);
    return STK_OK;
}

unsigned stk_pg_hints(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    unsigned hints = self->hints_done;
    self->hints_done = 0;
    return hints;
}

/* --- savepoints ------------------------------------------------------------------ */

enum stk_rc stk_pg_savepoint(struct stk_store *store, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    assert(!self->in_savepoint);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) {
        rc = stk_pg_send(self, STMT_SAVEPOINT_BEGIN, "set a savepoint", NULL, NULL, err);
    }
    if (rc != STK_OK) return rc;
    stk_tally_copy(&self->counts_saved, &self->counts);
    self->hints_saved = self->hints;
    self->mark_claims = self->doings.claim_count;
    self->mark_settles = self->doings.settle_count;
    self->in_savepoint = true;
    return STK_OK;
}

enum stk_rc stk_pg_savepoint_keep(struct stk_store *store, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    assert(self->in_savepoint);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    self->in_savepoint = false;
    return stk_pg_send(self, STMT_SAVEPOINT_KEEP, "keep a savepoint", NULL, NULL, err);
}

static enum stk_rc undo(struct stk_pg *self)
{
    enum stk_rc rc = STK_OK;
    if (self->conn != NULL && self->sent_count > 0) rc = stk_pg_collect(self, NULL, NULL);
    if (self->conn == NULL) return STK_UNAVAILABLE;
    (void)rc; /* it is being undone */
    rc = stk_pg_run(self, STMT_SAVEPOINT_UNDO, "undo", NULL, NULL);
    return rc == STK_OK ? stk_pg_run(self, STMT_SAVEPOINT_KEEP, "undo", NULL, NULL) : rc;
}

void stk_pg_savepoint_undo(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    if (!self->in_savepoint) return;
    self->in_savepoint = false;
    self->arg_count = 0;
    self->failed = undo(self) != STK_OK;
    stk_tally_copy(&self->counts, &self->counts_saved);
    self->hints = self->hints_saved;
    self->doings.claim_count = self->mark_claims;
    self->doings.settle_count = self->mark_settles;
    stk_pg_floors_undo(self);
    self->words.known = false;
    stk_pg_gates_doubt(self);
    stk_pg_due_doubt(self);
}

/* --- reads ------------------------------------------------------------------------ */

/* A reader hears it from nothing else, and goes on for weeks. */
static enum stk_rc take_clock(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                              struct stk_error *err)
{
    (void)context, (void)err;
    if (rows != NULL) stk_pg_clock_set(self, stk_pg_int(rows, 0, 0));
    return STK_OK;
}

enum stk_rc stk_pg_read_begin(struct stk_pg *self, struct read_txn *ret, struct stk_error *err)
{
    *ret = (struct read_txn){ .self = self };
    if (self->in_txn) return stk_pg_writing(self, err);
    enum stk_rc rc = stk_pg_be_connected(self, err);
    if (rc == STK_OK) rc = stk_pg_send(self, STMT_TXN_READ, "begin to read", NULL, NULL, err);
    if (rc == STK_OK)
        rc = stk_pg_send(self, STMT_TXN_READ_LIMIT, "begin to read", take_clock, NULL, err);
    if (rc != STK_OK) return rc;
    self->in_txn = true; /* one connection: no new one within it */
    self->failed = false;
    self->words_in_use = false;
    ret->began = true;
    return STK_OK;
}

void stk_pg_read_endp(struct read_txn *txn)
{
    if (txn->self == NULL || !txn->began) return;
    end_txn(txn->self);
    txn->self->in_txn = txn->self->failed = false;
}
