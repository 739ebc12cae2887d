/* SPDX-License-Identifier: MIT
 *
 * Migrations: forward only, each in a transaction with the row that records
 * it. The checksum tells a store made by another text of the same number.
 */
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "sql_sqlite.h"

/* A migration is longer than the 4,095 bytes every C compiler must take; the
 * ones that build stoker take more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "migrations_sqlite.h"

enum { NEWEST = (int)STK_ARRAY_LEN(MIGRATION_SQLITE_ALL), CHECKSUM_TEXT = 33 };

static void finalizep(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt); /* its error was step's */
}

static void make_checksum(const char *text, char ret[CHECKSUM_TEXT])
{
    unsigned char hash[16];
    stk_hash128(text, strlen(text), hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
    }
}

/* The files are numbered from 1 without a gap; version n is the n-th. */
static enum stk_rc check_row(const struct stk_sqlite *self, sqlite3_stmt *stmt, int expected,
                             struct stk_error *err)
{
    int version = sqlite3_column_int(stmt, 0);
    if (version > NEWEST) {
        return stk_fail(err, STK_CONFLICT,
                        "%s has schema version %d, this program knows %d: use a newer stoker",
                        self->path, version, NEWEST);
    }
    char checksum[CHECKSUM_TEXT];
    make_checksum(MIGRATION_SQLITE_ALL[version - 1].text, checksum);
    const char *stored = stk_sqlite_text(stmt, 2);
    if (version == expected && stored != NULL && strcmp(stored, checksum) == 0) return STK_OK;
    return stk_fail(err, STK_CONFLICT,
                    "%s was made by another build: migration %s has checksum %.32s there and %.32s "
                    "here; use the stoker that made it",
                    self->path, MIGRATION_SQLITE_ALL[version - 1].name,
                    stored != NULL ? stored : "?", checksum);
}

/* Sets self->version to what the store has; 0: empty. */
static enum stk_rc read_version(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(self->db, SQL_SQLITE_MIGRATION_LIST, -1, &stmt, NULL);
    if (code != SQLITE_OK) return stk_sqlite_fail(self, err, "read the schema's version");

    self->version = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        enum stk_rc rc = check_row(self, stmt, self->version + 1, err);
        if (rc != STK_OK) return rc;
        self->version++;
    }
    if (code != SQLITE_DONE) return stk_sqlite_fail(self, err, "read the schema's version");
    return STK_OK;
}

static enum stk_rc record(struct stk_sqlite *self, int version, struct stk_error *err)
{
    STK_CLEANUP(finalizep) sqlite3_stmt *add = NULL;
    STK_CLEANUP(finalizep) sqlite3_stmt *event = NULL;
    char checksum[CHECKSUM_TEXT];
    char text[128];
    const char *name = MIGRATION_SQLITE_ALL[version - 1].name;
    stk_time_ns now = stk_clock_now();
    make_checksum(MIGRATION_SQLITE_ALL[version - 1].text, checksum);
    (void)snprintf(text, sizeof(text), "the schema is at version %d (%s)", version, name);

    int code = sqlite3_prepare_v2(self->db, SQL_SQLITE_MIGRATION_ADD, -1, &add, NULL);
    if (code != SQLITE_OK) return stk_sqlite_fail(self, err, "record the migration");
    (void)sqlite3_bind_int(add, 1, version);
    stk_sqlite_bind_text(add, 2, name);
    stk_sqlite_bind_text(add, 3, checksum);
    (void)sqlite3_bind_int64(add, 4, now);
    enum stk_rc rc = stk_sqlite_run(self, add, "record the migration", err);
    if (rc != STK_OK) return rc;

    code = sqlite3_prepare_v2(self->db, SQL_SQLITE_EVENT_ADD, -1, &event, NULL);
    if (code != SQLITE_OK) return stk_sqlite_fail(self, err, "record the migration");
    (void)sqlite3_bind_int64(event, 1, now);
    stk_sqlite_bind_text(event, 2, stk_event_name(STK_EVENT_STORE_MIGRATED));
    stk_sqlite_bind_text(event, 8, text);
    return stk_sqlite_run(self, event, "record the migration", err);
}

static enum stk_rc apply(struct stk_sqlite *self, int version, struct stk_error *err)
{
    enum stk_rc rc = stk_sqlite_exec(self, SQL_SQLITE_TXN_BEGIN, "begin the migration", err);
    if (rc != STK_OK) return rc;

    rc = stk_sqlite_exec(self, SQL_SQLITE_MIGRATION_TABLE, "make the table of migrations", err);
    if (rc == STK_OK) {
        rc = stk_sqlite_exec(self, MIGRATION_SQLITE_ALL[version - 1].text, "migrate", err);
    }
    if (rc == STK_OK) rc = record(self, version, err);
    if (rc == STK_OK) rc = stk_sqlite_exec(self, SQL_SQLITE_TXN_COMMIT, "commit", err);
    if (rc != STK_OK) (void)sqlite3_exec(self->db, SQL_SQLITE_TXN_ROLLBACK, NULL, NULL, NULL);
    if (rc == STK_OK) self->version = version;
    return rc;
}

static bool is_empty(const struct stk_sqlite *self)
{
    const char *column = NULL;
    return sqlite3_table_column_metadata(self->db, "main", "stk_migration", "version", &column,
                                         NULL, NULL, NULL, NULL) != SQLITE_OK;
}

enum stk_rc stk_sqlite_migrate(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = is_empty(self) ? STK_OK : read_version(self, err);
    self->version_found = self->version;
    while (rc == STK_OK && self->version < NEWEST) {
        rc = apply(self, self->version + 1, err);
    }
    return rc;
}

enum stk_rc stk_sqlite_version_check(struct stk_sqlite *self, struct stk_error *err)
{
    enum stk_rc rc = read_version(self, err);
    self->version_found = self->version;
    if (rc != STK_OK || self->version == NEWEST) return rc;
    return stk_fail(err, STK_CONFLICT,
                    "%s has schema version %d, this program needs %d: let stoker migrate it",
                    self->path, self->version, NEWEST);
}

enum stk_rc stk_sqlite_versions(struct stk_store *store, int *ret_found, int *ret_have,
                                int *ret_newest, struct stk_error *err)
{
    (void)err;
    *ret_found = downcast(store)->version_found;
    *ret_have = downcast(store)->version;
    *ret_newest = NEWEST;
    return STK_OK;
}
