/* SPDX-License-Identifier: MIT
 *
 * Opening and closing. The owner goes in this order: the place, the lock, the
 * file, what it is, whether it is whole, its options, its schema. Whatever is
 * wrong ends the opening before anything was written.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/alloc.h"
#include "sql_sqlite.h"

enum {
    VERSION_MIN = 3037000,      /* STRICT tables */
    APPLICATION_ID = 1398033234 /* "STKR", set by the first migration */
};

static void finalizep(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt); /* its error was step's */
}

static int note_wal(void *context, sqlite3 *db, const char *schema, int frames)
{
    (void)db;
    (void)schema;
    struct stk_sqlite *self = context;
    self->wal_frames = frames;
    return SQLITE_OK;
}

static enum stk_rc check_place(const char *path, struct stk_error *err)
{
    if (sqlite3_libversion_number() < VERSION_MIN) {
        return stk_fail(err, STK_UNAVAILABLE, "SQLite is version %s; stoker needs 3.37 or newer",
                        sqlite3_libversion());
    }
    enum stk_rc rc = stk_sqlite_place_check(path, err);
    if (rc != STK_OK) return rc;

    const char *slash = strrchr(path, '/');
    STK_CLEANUP(stk_freep)
    char *folder = slash != NULL ? stk_strndup(path, (size_t)(slash - path) + 1) : stk_strdup(".");
    struct statfs info;
    if (statfs(folder, &info) != 0) {
        return stk_fail(err, STK_UNAVAILABLE, "could not look at the file system of %s: %s", path,
                        strerror(errno));
    }
    /* f_type is signed on some machines: what stands in its low 32 bits counts. */
    return stk_sqlite_magic_check(path, (uint64_t)info.f_type & 0xFFFFFFFF, err);
}

/* SQLite's own account of its memory costs a mutex at each allocation, 8 % of a
 * claim, and nobody reads it. Where something has used SQLite before, it stays. */
static void leave_accounts(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum stk_rc connect(struct stk_sqlite *self, struct stk_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, leave_accounts);

    int mode = self->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(self->path, &self->db, mode | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) return stk_sqlite_fail(self, err, "open the store");

    (void)sqlite3_extended_result_codes(self->db, 1);
    (void)sqlite3_busy_timeout(self->db, STK_SQLITE_BUSY_MS);
    if (self->read_only) {
        /* Only the writer may checkpoint: two connections that write and
         * checkpoint at once can lose commits before SQLite 3.51.3. */
        (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    } else if (sqlite3_db_readonly(self->db, "main") == 1) {
        return stk_fail(err, STK_DENIED, "could not open %s: the file is read-only", self->path);
    }
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return STK_OK;
}

/* Whose file is it? Asked before anything is written to it. */
static enum stk_rc check_identity(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(self->db, SQL_SQLITE_SETUP_IDENTITY, -1, &stmt, NULL);
    if (code != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        return stk_sqlite_fail(self, err, "read the store");
    }

    int64_t application_id = sqlite3_column_int64(stmt, 0);
    bool is_empty = sqlite3_column_int64(stmt, 1) == 0;
    bool is_ours = application_id == APPLICATION_ID && sqlite3_column_int64(stmt, 2) == 1;
    if (is_ours || (is_empty && !self->read_only)) return STK_OK;
    if (is_empty) return stk_fail(err, STK_NOT_FOUND, "%s holds no store yet", self->path);
    return stk_fail(err, STK_BAD_DATA, "%s is a SQLite database of another program", self->path);
}

static enum stk_rc use_wal(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(self->db, SQL_SQLITE_SETUP_JOURNAL, -1, &stmt, NULL);
    if (code != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        return stk_sqlite_fail(self, err, "switch on the write-ahead log");
    }
    const char *mode = stk_sqlite_text(stmt, 0);
    if (mode != NULL && strcmp(mode, "wal") == 0) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE, "%s: the file system allows no write-ahead log",
                    self->path);
}

enum stk_rc stk_sqlite_quick_check(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(self->db, SQL_SQLITE_SETUP_QUICK_CHECK, -1, &stmt, NULL);
    if (code != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        return stk_sqlite_fail(self, err, "check the store");
    }
    const char *said = stk_sqlite_text(stmt, 0);
    if (said != NULL && strcmp(said, "ok") == 0) return STK_OK;
    return stk_fail(
        err, STK_BAD_DATA,
        "%s is damaged (%.120s): keep a copy of it, and restore the last backup, or what "
        "sqlite3's .recover can read",
        self->path, said != NULL ? said : "?");
}

static enum stk_rc set_up_writer(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = check_identity(self, err);
    if (rc == STK_OK && self->unclean) rc = stk_sqlite_quick_check(self, err);
    if (rc != STK_OK) return rc;
    self->unclean = false;

    rc = stk_sqlite_exec(self, SQL_SQLITE_SETUP_WRITER, "set options", err);
    if (rc == STK_OK) rc = use_wal(self, err);
    if (rc == STK_OK) rc = stk_sqlite_migrate(self, err);
    if (rc == STK_OK) rc = stk_sqlite_place_note(self, err);
    if (rc == STK_OK) rc = stk_sqlite_prepare(self, err);
    if (rc != STK_OK) return rc;

    (void)sqlite3_wal_hook(self->db, note_wal, self);
    stk_sqlite_due_reread(self);
    int64_t has_remote = 0;
    rc = stk_sqlite_number(self, self->stmts[STMT_REMOTE_EXISTS], "look for remote jobs", 0,
                           &has_remote, err);
    self->has_remote = has_remote == 1;
    stk_sqlite_poll_reread(self);
    return rc != STK_OK ? rc : stk_sqlite_words(self, err);
}

static enum stk_rc set_up_reader(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = check_identity(self, err);
    if (rc == STK_OK) rc = stk_sqlite_exec(self, SQL_SQLITE_SETUP_READER, "set options", err);
    if (rc == STK_OK) rc = stk_sqlite_version_check(self, err);
    if (rc == STK_OK) rc = stk_sqlite_place_note(self, err);
    if (rc == STK_OK) rc = stk_sqlite_prepare(self, err);
    return rc;
}

enum stk_rc stk_sqlite_open(const char *url, const struct stk_store_options *options,
                            struct stk_store **ret, struct stk_error *err)
{
    struct stk_sqlite *self = stk_alloc(sizeof(*self));
    self->base.engine = &stk_engine_sqlite;
    self->lock_fd = -1;
    self->next_due = STK_NEVER;
    self->next_poll = STK_NEVER;
    self->read_only = options->read_only;
    self->path = stk_sqlite_path(url);
    STK_CLEANUP(stk_store_closep) struct stk_store *made = &self->base;

    enum stk_rc rc = check_place(self->path, err);
    if (rc == STK_OK && !self->read_only) rc = stk_sqlite_lock(self, options, err);
    if (rc == STK_OK) rc = connect(self, err);
    if (rc == STK_OK) rc = self->read_only ? set_up_reader(self, err) : set_up_writer(self, err);
    if (rc != STK_OK) return rc;

    *ret = made;
    made = NULL;
    return STK_OK;
}

void stk_sqlite_close(struct stk_store *store)
{
    struct stk_sqlite *self = downcast(store);
    if (self->in_txn) stk_sqlite_rollback(store);
    for (size_t i = 0; i < STMT_COUNT_; i++) {
        (void)sqlite3_finalize(self->stmts[i]);
    }
    /* A damaged file keeps its log as it is, for whoever repairs it; a file
     * that has been replaced must not be written to. */
    if (self->db != NULL && (self->unclean || self->gone)) {
        (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_close(self->db); /* what was committed is in the log, whatever it says */
    stk_sqlite_unlock(self);

    stk_words_clear(&self->words);
    stk_tally_release(&self->counts);
    stk_tally_release(&self->counts_saved);
    stk_sqlite_gates_release(self);
    stk_buf_release(&self->picked_texts);
    stk_buf_release(&self->text);
    free(self->loads.rows);
    free(self->picks);
    free(self->path);
    free(self);
}
