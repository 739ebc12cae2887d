/* SPDX-License-Identifier: MIT
 *
 * sqlite - the SQLite engine's own things; private to src/store/sqlite.
 *
 * One file each: open (and migrate), lock, place (where the file may lie),
 * txn, words (tasks, queues), submit, claim, settle, people (cancel, retry),
 * rescue, remote (jobs elsewhere), counts, sweeps, read (jobs, attempts), rows
 * (pools, events), gates (sessions, limits), accounts (users, tokens), audit,
 * notices, health.
 *
 * Threads: a store belongs to one thread; the connection has no mutex.
 */
#ifndef STK_STORE_SQLITE_H
#define STK_STORE_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "base/buf.h"
#include "store/engine.h"
#include "store/tally.h"
#include "store/words.h"

/* Every statement that is kept: a file of sql/sqlite each. A reader prepares
 * those marked READ only. */
/* clang-format off */
#define STMT_MAP(X)                                                               \
    X(TXN_BEGIN, WRITE)       X(TXN_READ, READ)          X(TXN_COMMIT, READ)      \
    X(TXN_ROLLBACK, READ)     X(SAVEPOINT_BEGIN, WRITE)  X(SAVEPOINT_KEEP, WRITE) \
    X(SAVEPOINT_UNDO, WRITE)                                                      \
    X(QUEUE_LIST, READ)       X(QUEUE_ADD, WRITE)        X(QUEUE_PAUSE, WRITE)    \
    X(TASK_LIST, READ)        X(TASK_ADD, WRITE)         X(TASK_MOVE, WRITE)      \
    X(JOB_SUBMIT, WRITE)      X(JOB_BY_KEY, WRITE)       X(JOB_BY_IDENTITY, WRITE) \
    X(JOB_UNSUBMIT, WRITE)    X(JOB_PROMOTE, WRITE)      X(JOB_NEXT_DUE, WRITE)   \
    X(JOB_PICK, WRITE)        X(JOB_CLAIM, WRITE)                                 \
    X(JOB_RUNNING, WRITE)     X(JOB_COMPLETE, WRITE)     X(JOB_END, WRITE)        \
    X(JOB_PUT_BACK, WRITE)    X(ATTEMPT_ADD, WRITE)      X(ATTEMPT_KEEP, WRITE)   \
    X(COUNT_CHANGE, WRITE)    X(COUNT_ADD, WRITE)        X(COUNT_ALL, READ)       \
        X(COUNT_QUEUES, READ)    \
    X(COUNT_SWEEP, READ)      X(COUNT_TASKS, READ)       X(COUNT_TASK_STATE, READ) \
    X(COUNT_CHECK, READ)                                                          \
    X(STEP_RANGE, WRITE)      X(STEP_SWEEP, WRITE)       X(STEP_STATE, WRITE)     \
    X(RANGE_EXISTS, WRITE)    X(RANGE_EXISTS_SWEEP, WRITE)                        \
    X(JOB_CANCEL, WRITE)      X(JOB_CANCEL_ASK, WRITE)   X(JOB_RETRY, WRITE)      \
    X(STEP_LOST, WRITE)       X(POOL_LOST, WRITE)        X(POOL_END, WRITE)       \
    X(HELD_RELEASE, WRITE)    X(HELD_EXISTS, WRITE)                               \
    X(SWEEP_ADD, WRITE)       X(SWEEP_SET, WRITE)        X(SWEEP_ENDED, WRITE)    \
    X(SWEEP_GET, READ)        X(SWEEP_LIST, READ)        X(SWEEP_LAST, READ) X(SWEEP_UNFILLED, READ)      \
    X(JOB_GET, READ)          X(JOB_LAST, READ)                                   \
    X(JOB_AHEAD, READ)        X(JOB_PLACE, READ)                                  \
    X(JOBS_ALL_UP, READ)      X(JOBS_ALL_DOWN, READ)                              \
    X(JOBS_STATE_UP, READ)    X(JOBS_STATE_DOWN, READ)                            \
    X(JOBS_SWEEP_UP, READ)    X(JOBS_SWEEP_DOWN, READ)                            \
    X(JOBS_SWEEP_WALK_UP, READ)  X(JOBS_SWEEP_WALK_DOWN, READ)                    \
    X(JOBS_SWEEP_RARE_UP, READ)  X(JOBS_SWEEP_RARE_DOWN, READ)                    \
    X(ATTEMPT_LIST, READ)                                                         \
    X(POOL_ADD, WRITE)        X(POOL_BEAT, WRITE)        X(POOL_LIST, READ)       \
    X(EVENT_ADD, WRITE)       X(EVENT_AFTER, READ)       X(EVENT_NEWEST, READ)    \
    X(EVENT_JOB_AFTER, READ)  X(EVENT_JOB_NEWEST, READ)                           \
    X(TASK_RUN_TIME, READ)                              \
    X(REMOTE_EXISTS, WRITE)   X(REMOTE_NEXT, WRITE)      X(REMOTE_GET, READ)      \
    X(REMOTE_NOTE, WRITE)     X(REMOTE_PARK, WRITE)      X(REMOTE_PARK_AGAIN, WRITE) \
    X(REMOTE_HURRY, WRITE)    X(REMOTE_TAKE, WRITE)      X(REMOTE_FORGET, WRITE)  \
    X(JOB_PARK, WRITE)        X(JOB_POLL, WRITE)         X(POLL_PICK, WRITE)      \
    X(SESSION_LIST, READ)     X(SESSION_SET, WRITE)                               \
    X(SESSION_SECRET, READ)   X(SESSION_SECRET_SET, WRITE)                        \
    X(LIMIT_LIST, READ)       X(LIMIT_SET, WRITE)                                 \
    X(USER_LIST, READ)        X(USER_GET, READ)          X(USER_SET, WRITE)       \
    X(USER_REMOVE, WRITE)     X(USER_TOKENS_REMOVE, WRITE)                        \
    X(TOKEN_LIST, READ)       X(TOKEN_LIST_USER, READ)   X(TOKEN_FIND, READ)      \
    X(TOKEN_ADD, WRITE)       X(TOKEN_REMOVE, WRITE)                              \
    X(AUDIT_LAST, WRITE)      X(AUDIT_ADD, WRITE)        X(AUDIT_LIST, READ)      \
    X(AUDIT_WALK, READ)                                                           \
    X(NOTICE_ADD, WRITE)      X(NOTICE_DUE, READ)        X(NOTICE_NEXT, READ)     \
    X(NOTICE_TRIED, WRITE)                                                        \
    X(DOCTOR_OPTIONS, READ)   X(DOCTOR_INTEGRITY, READ)                           \
    X(SETUP_QUICK_CHECK, READ)
/* clang-format on */

enum stmt {
#define STMT_NAME(name, who) STMT_##name,
    STMT_MAP(STMT_NAME)
#undef STMT_NAME
        STMT_COUNT_
};

/* How long to wait for a program that holds the file's locks; stoker's own
 * connections never wait for each other. */
enum { STK_SQLITE_BUSY_MS = 2000 };

/* Jobs of a queue that wait or run, kept by the writer once somebody has asked;
 * a rollback makes it read them again. */
struct queue_load {
    int64_t queue_id, pending, running;
};
struct load_set {
    struct queue_load *rows;
    size_t count;
    bool known;
};

/* Rows that few write and each claim reads: the sessions, the limits. */
struct kept_sessions {
    struct stk_session *rows;
    size_t count;
    bool known; /* false: read again before use */
};
struct kept_limits {
    struct stk_limit *rows;
    size_t count;
    bool known;
};

/* One job picked by a claim, until it is handed out. The texts are in picked_texts. */
enum { NO_TEXT = -1 };
struct pick {
    struct stk_claim claim;
    ssize_t params_at, handle_at, result_at; /* NO_TEXT: NULL */
};

/* Where a claimed job belongs, so that settling a completed one need not ask
 * (1 us of 5). A place is found by the last bits of the job's id and may be
 * taken by another job: then it is asked. It is believed only after the UPDATE
 * with the same attempt id has changed the row, so no rollback can make it lie. */
enum { CLAIMED_PLACES = 1024 };
struct claimed {
    int64_t id, attempt_id;
    int64_t task_id, queue_id, sweep_id;
    bool is_remote; /* it may have a row in remote */
};

struct stk_sqlite {
    struct stk_store base;
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT_COUNT_];
    char *path; /* the file itself, when a symbolic link was given */
    bool read_only;
    bool unclean; /* its last owner died, and the file is not yet checked */
    bool in_txn, in_savepoint;
    int version, version_found; /* of the schema; when it was opened */

    int lock_fd; /* -1: none */
    dev_t dev, lock_dev;
    ino_t ino, lock_ino; /* of the file and its lock when opened */
    bool gone;           /* the file is no longer the one that was opened */

    int wal_frames, wal_frames_checkpoint; /* in the log; from where to checkpoint */

    stk_time_ns next_due;  /* of jobs not yet promoted */
    stk_time_ns next_poll; /* of parked jobs */
    bool has_remote;       /* there may be rows in remote; once true it stays so */
    struct stk_words words;
    struct load_set loads;
    struct stk_tally counts, counts_saved; /* of this transaction; at its savepoint */
    struct kept_sessions sessions;
    struct kept_limits limits;

    struct pick *picks;
    size_t picks_size;
    struct stk_buf picked_texts, text;
    struct claimed claimed[CLAIMED_PLACES];
    stk_time_ns read_until; /* by the monotonic clock: when a long read is cut off */
};

static inline struct stk_sqlite *downcast(struct stk_store *store)
{
    return (struct stk_sqlite *)(void *)store;
}

#define STK_SQLITE_DECLARE(name) __typeof__(stk_store_##name) stk_sqlite_##name;
STK_ENGINE_MAP(STK_SQLITE_DECLARE)
#undef STK_SQLITE_DECLARE

/* --- statements (sqlite.c) ----------------------------------------------- */

/* "could not claim jobs: database or disk is full (stoker.db)", with the code
 * that SQLite's last error of this connection means. */
enum stk_rc stk_sqlite_fail(const struct stk_sqlite *self, struct stk_error *err, const char *what);
/* The same for one result code that is not the connection's last. */
enum stk_rc stk_sqlite_rc(int code, int system_errno);

STK_MUST_USE enum stk_rc stk_sqlite_prepare(struct stk_sqlite *self, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_sqlite_exec(struct stk_sqlite *self, const char *sql, const char *what,
                                         struct stk_error *err);

/* For STK_CLEANUP on a statement of stmts[]. */
void stk_sqlite_resetp(sqlite3_stmt **stmt);

/* Runs a statement that hands out no row, and resets it. `what` is the middle
 * of the error: "could not WHAT". */
STK_MUST_USE enum stk_rc stk_sqlite_run(struct stk_sqlite *self, sqlite3_stmt *stmt,
                                        const char *what, struct stk_error *err);
/* The next row of a statement; *ret_row false: it is done. */
STK_MUST_USE enum stk_rc stk_sqlite_next(struct stk_sqlite *self, sqlite3_stmt *stmt,
                                         const char *what, bool *ret_row, struct stk_error *err);
/* The one integer a statement hands out (NULL: `none`), run to its end. */
STK_MUST_USE enum stk_rc stk_sqlite_number(struct stk_sqlite *self, sqlite3_stmt *stmt,
                                           const char *what, int64_t none, int64_t *ret,
                                           struct stk_error *err);

void stk_sqlite_bind_text(sqlite3_stmt *stmt, int at, const char *text); /* NULL: SQL NULL */
void stk_sqlite_bind_id(sqlite3_stmt *stmt, int at, int64_t id);         /* 0: SQL NULL */
void stk_sqlite_bind_time(sqlite3_stmt *stmt, int at, stk_time_ns time); /* STK_NEVER: SQL NULL */
const char *stk_sqlite_text(sqlite3_stmt *stmt, int column);
stk_time_ns stk_sqlite_time(sqlite3_stmt *stmt, int column); /* SQL NULL: STK_NEVER */
enum stk_state stk_sqlite_state(sqlite3_stmt *stmt, int column);

/* --- the file (lock.c, place.c) ------------------------------------------ */

/* Takes PATH.lock for this process, and notes in self->unclean whether its
 * last owner ended in good order. */
STK_MUST_USE enum stk_rc stk_sqlite_lock(struct stk_sqlite *self,
                                         const struct stk_store_options *options,
                                         struct stk_error *err);
/* Lets go. The file is removed, unless it must tell the next owner that the
 * store is still to be checked. */
void stk_sqlite_unlock(struct stk_sqlite *self);

/* The path of a URL, a symbolic link at its end followed. free() ends it. */
char *stk_sqlite_path(const char *url);
/* The last part of a path, for messages. */
const char *stk_sqlite_base_name(const char *path);

/* "NFS" for the magic number (statfs) of a file system that is not of this
 * machine, or NULL. */
const char *stk_sqlite_network_name(uint64_t magic);
/* Refuses a path whose folder is missing, or that is no plain file. */
STK_MUST_USE enum stk_rc stk_sqlite_place_check(const char *path, struct stk_error *err);
/* Refuses file systems of other machines. */
STK_MUST_USE enum stk_rc stk_sqlite_magic_check(const char *path, uint64_t magic,
                                                struct stk_error *err);
/* Notes which file was opened, and later says whether it still is that one. */
STK_MUST_USE enum stk_rc stk_sqlite_place_note(struct stk_sqlite *self, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_sqlite_place_still(struct stk_sqlite *self, struct stk_error *err);

/* --- transactions (txn.c) ------------------------------------------------ */

/* At the start of every write: a transaction is open, and SQLite has not
 * rolled it back by itself (it does so when the disk is full). */
STK_MUST_USE enum stk_rc stk_sqlite_writing(const struct stk_sqlite *self, struct stk_error *err);

/* One moment for several reads, inside or outside a transaction, of at most
 * two seconds: a longer question ends as STK_TIMEOUT. */
struct read_txn {
    struct stk_sqlite *self;
    bool began;
};
#define READ_TXN_INIT \
    {                 \
        0             \
    }
STK_MUST_USE enum stk_rc stk_sqlite_read_begin(struct stk_sqlite *self, struct read_txn *ret,
                                               struct stk_error *err);
void stk_sqlite_read_endp(struct read_txn *txn); /* for STK_CLEANUP */

/* --- words, counts, due times -------------------------------------------- */

/* They are known from here on. */
STK_MUST_USE enum stk_rc stk_sqlite_words(struct stk_sqlite *self, struct stk_error *err);

/* Read the loads again before use: a change was undone. */
void stk_sqlite_loads_doubt(struct stk_sqlite *self);
/* A job of the queue moves; see stk_sqlite_count. */
void stk_sqlite_load_move(struct stk_sqlite *self, int64_t queue_id, enum stk_state from,
                          enum stk_state to);

/* One job moves from a state to another; STK_STATE_COUNT_: from nowhere. */
void stk_sqlite_count(struct stk_sqlite *self, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                      enum stk_state from, enum stk_state to, stk_time_ns now);
STK_MUST_USE enum stk_rc stk_sqlite_counts_write(struct stk_sqlite *self, struct stk_error *err);

/* Reads next_due again; on an error it is 0, so that the next promote tries. */
void stk_sqlite_due_reread(struct stk_sqlite *self);
static inline void stk_sqlite_due_by(struct stk_sqlite *self, stk_time_ns ready_at)
{
    if (self->next_due == STK_NEVER || ready_at < self->next_due) self->next_due = ready_at;
}

static inline struct claimed *stk_sqlite_claimed_place(struct stk_sqlite *self, int64_t id)
{
    return &self->claimed[(uint64_t)id % CLAIMED_PLACES];
}

/* --- jobs elsewhere (remote.c) ------------------------------------------- */

/* Reads next_poll, as stk_sqlite_due_reread; no statement where nothing is remote. */
void stk_sqlite_poll_reread(struct stk_sqlite *self);
static inline void stk_sqlite_poll_by(struct stk_sqlite *self, stk_time_ns poll_at)
{
    if (self->next_poll == STK_NEVER || poll_at < self->next_poll) self->next_poll = poll_at;
}
/* Parks a running job: with what the settle says, or as it is known already.
 * STK_CONFLICT: nothing is, or the schema forbids it. */
STK_MUST_USE enum stk_rc stk_sqlite_remote_park(struct stk_sqlite *self,
                                                const struct stk_settle *settle, int64_t queue_id,
                                                bool cancel, stk_time_ns now,
                                                struct stk_error *err);
STK_MUST_USE enum stk_rc stk_sqlite_remote_forget(struct stk_sqlite *self, int64_t job_id,
                                                  struct stk_error *err);
/* The poll of a parked job is due now; nothing when it is not parked. */
STK_MUST_USE enum stk_rc stk_sqlite_remote_hurry(struct stk_sqlite *self, int64_t job_id,
                                                 stk_time_ns now, struct stk_error *err);

/* Copies a column's text to picked_texts; where it begins, or NO_TEXT. */
ssize_t stk_sqlite_pick_text(struct stk_sqlite *self, sqlite3_stmt *stmt, int column);
/* Room for `count` picks, all texts gone. */
void stk_sqlite_picks_reserve(struct stk_sqlite *self, size_t count);
static inline const char *stk_sqlite_picked(const struct stk_sqlite *self, ssize_t at)
{
    return at == NO_TEXT ? NULL : self->picked_texts.data + at;
}

/* --- sessions and limits (gates.c) --------------------------------------- */

/* After a rollback: what is in memory may be of a transaction that never was. */
void stk_sqlite_gates_doubt(struct stk_sqlite *self);
void stk_sqlite_gates_release(struct stk_sqlite *self);

/* --- shared by settle and rescue ----------------------------------------- */

STK_MUST_USE enum stk_rc stk_sqlite_event_add(struct stk_sqlite *self, enum stk_event_kind kind,
                                              const struct stk_event *event, stk_time_ns now,
                                              struct stk_error *err);
STK_MUST_USE enum stk_rc stk_sqlite_migrate(struct stk_sqlite *self, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_sqlite_version_check(struct stk_sqlite *self, struct stk_error *err);
bool stk_sqlite_has_wal_reset_bug(int version); /* as sqlite3_libversion_number() */
STK_MUST_USE enum stk_rc stk_sqlite_quick_check(struct stk_sqlite *self, struct stk_error *err);

#endif
