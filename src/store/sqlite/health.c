/* SPDX-License-Identifier: MIT
 *
 * Looking after the file: checkpoints, the watch over it, and what doctor says.
 */
#include "store/sqlite/sqlite.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"

#define MIB                 ((int64_t)1024 * 1024)
#define LOG_BYTES_ALARM     (256 * MIB)
#define ROOM_BYTES_ALARM    (1024 * MIB)
#define ROOM_BYTES_SHORTAGE (64 * MIB)

/* --- tending ------------------------------------------------------------- */

/* The page cache of a busy hour is not kept through an idle night. */
static void give_back_memory(struct stk_sqlite *self)
{
    (void)sqlite3_db_release_memory(self->db);
    (void)malloc_trim(0);
}

const char *stk_sqlite_news(struct stk_store *store)
{
    (void)store;
    return NULL;
}

enum stk_rc stk_sqlite_tend(struct stk_store *store, bool idle, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_place_still(self, err);
    bool nothing_to_do = self->in_txn || self->wal_frames == 0 ||
                         (!idle && self->wal_frames < self->wal_frames_checkpoint);
    if (rc != STK_OK || self->read_only || nothing_to_do) return rc;
    if (idle) give_back_memory(self);

    /* A reader in the middle of something makes it BUSY; the next time, then. */
    int mode = idle ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    (void)sqlite3_busy_timeout(self->db, 0);
    int code = sqlite3_wal_checkpoint_v2(self->db, NULL, mode, NULL, NULL);
    (void)sqlite3_busy_timeout(self->db, STK_SQLITE_BUSY_MS);
    if (code == SQLITE_OK && idle) self->wal_frames = self->wal_frames_checkpoint = 0;
    if (code == SQLITE_OK || code == SQLITE_BUSY) return STK_OK;
    return stk_sqlite_fail(self, err, "checkpoint");
}

/* --- doctor -------------------------------------------------------------- */

struct doctor {
    struct stk_sqlite *self;
    stk_finding_fn each;
    void *context;
};

static void say(const struct doctor *doctor, enum stk_finding level, const char *fmt, ...)
    STK_PRINTF(3, 4);
static void say(const struct doctor *doctor, enum stk_finding level, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    doctor->each(doctor->context, level, text);
}

/* The two repaired branches, and what came after. */
bool stk_sqlite_has_wal_reset_bug(int version)
{
    bool repaired = version >= 3051003 || (version >= 3050007 && version < 3051000) ||
                    (version >= 3044006 && version < 3045000);
    return version >= 3007000 && !repaired;
}

static void say_version(const struct doctor *doctor)
{
    if (stk_sqlite_has_wal_reset_bug(sqlite3_libversion_number())) {
        say(doctor, STK_FINDING_OK,
            "SQLite %s (it can lose commits when two connections write and checkpoint at once; "
            "stoker has one such connection, so do not write to the file with other programs "
            "while stoker runs)",
            sqlite3_libversion());
        return;
    }
    say(doctor, STK_FINDING_OK, "SQLite %s", sqlite3_libversion());
}

static enum stk_rc say_options(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_sqlite *self = doctor->self;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_DOCTOR_OPTIONS];
    struct stk_buf text = STK_BUF_INIT;
    bool is_wal = false;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read options", &row, err)) == STK_OK && row) {
        const char *name = stk_sqlite_text(stmt, 0);
        const char *value = stk_sqlite_text(stmt, 1);
        if (strcmp(name, "journal_mode") == 0) is_wal = strcmp(value, "wal") == 0;
        stk_buf_addf(&text, " %s=%s", name, value);
    }
    if (rc == STK_OK) {
        say(doctor, is_wal ? STK_FINDING_OK : STK_FINDING_BAD, "schema version %d,%s",
            self->version, stk_buf_str(&text));
    }
    stk_buf_release(&text);
    return rc;
}

static void say_place(const struct doctor *doctor)
{
    const char *path = doctor->self->path;
    STK_CLEANUP(stk_freep) char *wal = stk_format("%s-wal", path);
    struct stat file = { 0 };
    struct stat log = { 0 };
    struct statvfs room;
    bool has_file = stat(path, &file) == 0;
    bool has_log = stat(wal, &log) == 0;

    if (has_file && file.st_nlink > 1) {
        say(doctor, STK_FINDING_WARN,
            "%s has %ld names (hard links): opened by two of them it would be damaged", path,
            (long)file.st_nlink);
    }
    if (has_log) {
        say(doctor, log.st_size > LOG_BYTES_ALARM ? STK_FINDING_WARN : STK_FINDING_OK,
            "the file has %lld MiB, its log %lld MiB", (long long)(file.st_size / MIB),
            (long long)(log.st_size / MIB));
    }
    if (statvfs(path, &room) != 0) return;
    int64_t left = (int64_t)room.f_bavail * (int64_t)room.f_frsize;
    enum stk_finding level = left < ROOM_BYTES_SHORTAGE ? STK_FINDING_BAD
                             : left < ROOM_BYTES_ALARM  ? STK_FINDING_WARN
                                                        : STK_FINDING_OK;
    say(doctor, level, "%lld MiB of room are left on its disk", (long long)(left / MIB));
}

static enum stk_rc say_integrity(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_sqlite *self = doctor->self;
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_DOCTOR_INTEGRITY];
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "check every page", &row, err)) == STK_OK && row) {
        const char *said = stk_sqlite_text(stmt, 0);
        bool is_ok = strcmp(said, "ok") == 0;
        say(doctor, is_ok ? STK_FINDING_OK : STK_FINDING_BAD, "every page and index: %.300s", said);
    }
    return rc;
}

static enum stk_rc say_counters(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_sqlite *self = doctor->self;
    int64_t wrong = 0;
    if (self->in_txn) return STK_OK; /* its changes are not all written yet */
    enum stk_rc rc = stk_sqlite_number(self, self->stmts[STMT_COUNT_CHECK], "check the counters", 0,
                                       &wrong, err);
    if (rc != STK_OK) return rc;
    if (wrong == 0) say(doctor, STK_FINDING_OK, "the counters agree with the jobs");
    if (wrong > 0) {
        say(doctor, STK_FINDING_BAD, "%lld counters differ from the jobs they count",
            (long long)wrong);
    }
    return STK_OK;
}

enum stk_rc stk_sqlite_doctor(struct stk_store *store, bool deep, stk_finding_fn each,
                              void *context, struct stk_error *err)
{
    struct doctor doctor = { downcast(store), each, context };
    struct stk_error own;
    say_version(&doctor);
    say_place(&doctor);
    enum stk_rc rc = say_options(&doctor, err);
    if (rc != STK_OK) return rc;
    if (stk_sqlite_place_still(doctor.self, &own) != STK_OK) {
        say(&doctor, STK_FINDING_BAD, "%s", own.text);
    }
    if (!deep) return STK_OK;
    rc = say_integrity(&doctor, err);
    return rc != STK_OK ? rc : say_counters(&doctor, err);
}
