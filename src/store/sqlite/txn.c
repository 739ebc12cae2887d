/* SPDX-License-Identifier: MIT
 *
 * Transactions, and what stands in memory beside them: the counters' changes,
 * the words, sessions and limits, how many run, the next due times. They follow commit, rollback
 * and savepoint.
 */
#include "store/sqlite/sqlite.h"

#include <assert.h>

#include "base/clock.h"
#include "base/fault.h"

/* Frames, pages of 4 KiB, in the log before it is checkpointed. Measured: the larger
 * the cheaper, since a page that changes often is copied back once. */
enum { CHECKPOINT_FRAMES = 4000 };

/* Steps of SQLite's machine between two looks at the clock: some 100 us. */
enum { READ_STEPS = 10000 };
#define READ_NS_MAX (2 * STK_SECOND)

enum stk_rc stk_sqlite_begin(struct stk_store *store, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    assert(!self->read_only && !self->in_txn);
    if (self->gone) return stk_sqlite_place_still(self, err);

    enum stk_rc rc = stk_sqlite_run(self, self->stmts[STMT_TXN_BEGIN], "begin a transaction", err);
    if (rc != STK_OK) return rc;
    self->in_txn = true;
    self->counts.count = 0;
    return STK_OK;
}

enum stk_rc stk_sqlite_writing(const struct stk_sqlite *self, struct stk_error *err)
{
    assert(!self->read_only && self->in_txn);
    if (sqlite3_get_autocommit(self->db) == 0) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "the transaction was rolled back by an earlier error (%s)",
                    stk_sqlite_base_name(self->path));
}

/* What it says of itself is not asked: nothing of the transaction is kept in
 * any case. */
static void end_txn(struct stk_sqlite *self)
{
    if (sqlite3_get_autocommit(self->db) != 0) return;
    (void)sqlite3_step(self->stmts[STMT_TXN_ROLLBACK]);
    (void)sqlite3_reset(self->stmts[STMT_TXN_ROLLBACK]);
}

/* What was read or noted since may be of a transaction that never was. */
static void doubt(struct stk_sqlite *self)
{
    self->words.known = false;
    stk_sqlite_gates_doubt(self);
    stk_sqlite_loads_doubt(self);
    stk_sqlite_due_reread(self);
    stk_sqlite_poll_reread(self);
}

void stk_sqlite_rollback(struct stk_store *store)
{
    struct stk_sqlite *self = downcast(store);
    if (!self->in_txn) return;
    end_txn(self);
    self->in_txn = false;
    self->in_savepoint = false;
    self->counts.count = 0;
    doubt(self);
}

static enum stk_rc write_out(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = stk_sqlite_counts_write(self, err);
    if (rc != STK_OK) return rc;

    if (stk_fault(STK_FAULT_COMMIT_BEFORE)) {
        return stk_fail(err, STK_UNAVAILABLE, "could not commit: a fault was asked for");
    }
    return stk_sqlite_run(self, self->stmts[STMT_TXN_COMMIT], "commit", err);
}

static void checkpoint(struct stk_sqlite *self)
{
    int left = 0;
    int done = 0;
    /* Not being able to is no error: the log grows, and tend tries again. */
    int code = sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
    bool whole = code == SQLITE_OK && left == done;
    self->wal_frames_checkpoint = (whole ? 0 : self->wal_frames) + CHECKPOINT_FRAMES;
}

enum stk_rc stk_sqlite_commit(struct stk_store *store, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    assert(self->in_txn && !self->in_savepoint);

    enum stk_rc rc = write_out(self, err);
    if (rc != STK_OK) {
        stk_sqlite_rollback(store);
        return rc;
    }
    self->in_txn = false;
    self->counts.count = 0;
    (void)stk_fault(STK_FAULT_COMMIT_AFTER); /* to die here; too late to fail */

    if (self->wal_frames_checkpoint == 0) self->wal_frames_checkpoint = CHECKPOINT_FRAMES;
    if (self->wal_frames >= self->wal_frames_checkpoint) checkpoint(self);
    return STK_OK;
}

/* --- savepoints ---------------------------------------------------------- */

enum stk_rc stk_sqlite_savepoint(struct stk_store *store, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    assert(!self->in_savepoint);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) {
        rc = stk_sqlite_run(self, self->stmts[STMT_SAVEPOINT_BEGIN], "set a savepoint", err);
    }
    if (rc != STK_OK) return rc;
    stk_tally_copy(&self->counts_saved, &self->counts);
    self->in_savepoint = true;
    return STK_OK;
}

enum stk_rc stk_sqlite_savepoint_keep(struct stk_store *store, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    assert(self->in_savepoint);
    self->in_savepoint = false;
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    return stk_sqlite_run(self, self->stmts[STMT_SAVEPOINT_KEEP], "keep a savepoint", err);
}

void stk_sqlite_savepoint_undo(struct stk_store *store)
{
    struct stk_sqlite *self = downcast(store);
    if (!self->in_savepoint) return;
    self->in_savepoint = false;

    stk_tally_copy(&self->counts, &self->counts_saved);
    self->words.known = false;
    stk_sqlite_gates_doubt(self);
    stk_sqlite_loads_doubt(self);
    if (stk_sqlite_writing(self, NULL) != STK_OK) return;

    /* Should this fail, SQLite ends the transaction, and commit says so. */
    enum stk_rc rc = stk_sqlite_run(self, self->stmts[STMT_SAVEPOINT_UNDO], "undo", NULL);
    if (rc == STK_OK) rc = stk_sqlite_run(self, self->stmts[STMT_SAVEPOINT_KEEP], "undo", NULL);
    if (rc != STK_OK) end_txn(self);
    doubt(self);
}

/* --- reads --------------------------------------------------------------- */

/* The one clock the store reads by itself: how long a question may take. */
static int is_late(void *context)
{
    const struct stk_sqlite *self = context;
    return stk_clock_mono() > self->read_until;
}

enum stk_rc stk_sqlite_read_begin(struct stk_sqlite *self, struct read_txn *ret,
                                  struct stk_error *err)
{
    bool outside = sqlite3_get_autocommit(self->db) != 0;
    if (outside) {
        enum stk_rc rc = stk_sqlite_run(self, self->stmts[STMT_TXN_READ], "begin to read", err);
        if (rc != STK_OK) return rc;
    }
    self->read_until = stk_clock_mono() + READ_NS_MAX;
    sqlite3_progress_handler(self->db, READ_STEPS, is_late, self);
    *ret = (struct read_txn){ .self = self, .began = outside };
    return STK_OK;
}

void stk_sqlite_read_endp(struct read_txn *txn)
{
    if (txn->self == NULL) return;
    sqlite3_progress_handler(txn->self->db, 0, NULL, NULL);
    if (txn->began) end_txn(txn->self);
}
