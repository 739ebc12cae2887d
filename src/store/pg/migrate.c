/* SPDX-License-Identifier: MIT
 *
 * Migrations: forward only, each in a transaction with the row that records
 * it. Of many processes that start at once one migrates; the others wait for its
 * lock, look again, and find it done. The checksum tells a store made by another
 * text of the same number.
 */
#include "store/pg/pg.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"

/* A migration is longer than the 4,095 bytes every C compiler must take; the
 * ones that build stoker take more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "migrations_pg.h"

#define MIGRATE_NS (10 * STK_MINUTE) /* a table may have to be rewritten */
#define TRY_NS     (50 * STK_MS)     /* between two tries to be the one that migrates */
#define SAY_NS     (2 * STK_SECOND)  /* a wait that is worth a word */

enum { NEWEST = (int)STK_ARRAY_LEN(MIGRATION_PG_ALL), CHECKSUM_TEXT = 33 };

struct found {
    bool has_schema, has_table, has_others;
};

/* --- what is there ----------------------------------------------------------- */

static void make_checksum(const char *text, char ret[CHECKSUM_TEXT])
{
    unsigned char hash[16];
    stk_hash128(text, strlen(text), hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
    }
}

/* The files are numbered from 1 without a gap; version n is the n-th. */
static enum stk_rc check_row(const struct stk_pg *self, const struct stk_pg_rows *rows, int row,
                             struct stk_error *err)
{
    int version = (int)stk_pg_int(rows, row, 0);
    if (version > NEWEST) {
        return stk_fail(err, STK_CONFLICT,
                        "%s has schema version %d, this program knows %d: use a newer stoker",
                        self->place, version, NEWEST);
    }
    if (version != row + 1) {
        return stk_fail(err, STK_BAD_DATA, "%s has no record of migration %d in stoker.migration",
                        self->place, row + 1);
    }
    char checksum[CHECKSUM_TEXT];
    make_checksum(MIGRATION_PG_ALL[row].text, checksum);
    const char *stored = stk_pg_text(rows, row, 2);
    if (strcmp(stored, checksum) == 0) return STK_OK;
    return stk_fail(err, STK_CONFLICT,
                    "%s was made by another build: migration %s has checksum %.32s there and %.32s "
                    "here; use the stoker that made it",
                    self->place, MIGRATION_PG_ALL[row].name, stored, checksum);
}

static enum stk_rc read_version(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_MIGRATION_LIST, "read the schema's version", &rows, err);
    for (int i = rows.count - 1; rc == STK_OK && i >= 0; i--) {
        rc = check_row(self, &rows, i, err);
    }
    if (rc == STK_OK) self->version = rows.count;
    return rc;
}

/* Sets self->version to what the store has; 0: nothing. */
static enum stk_rc look(struct stk_pg *self, struct found *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_MIGRATION_LOOK, "look at the schema", &rows, err);
    if (rc != STK_OK) return rc;
    *ret = (struct found){ .has_schema = stk_pg_bool(&rows, 0, 0),
                           .has_table = stk_pg_bool(&rows, 0, 1),
                           .has_others = stk_pg_bool(&rows, 0, 2) };
    self->version = 0;
    if (ret->has_table) return read_version(self, err);
    if (!ret->has_others) return STK_OK;
    return stk_fail(err, STK_BAD_DATA,
                    "%s has a schema \"stoker\" that is not stoker's: rename it, or take another "
                    "database",
                    self->place);
}

/* --- a migration's text --------------------------------------------------------- */

/* It holds many statements, which no pipeline takes. */
static enum stk_rc send_text(struct stk_pg *self, const char *text, stk_time_ns deadline)
{
    const struct stk_pq *pq = self->pq;
    if (pq->PQexitPipelineMode(self->conn) != 1) return STK_UNAVAILABLE;
    if (pq->PQsendQuery(self->conn, text) != 1) return STK_UNAVAILABLE;
    int left = pq->PQflush(self->conn);
    while (left > 0) {
        enum stk_rc rc = stk_pg_wait(pq, self->conn, true, deadline, NULL, NULL);
        if (rc != STK_OK || pq->PQconsumeInput(self->conn) != 1) return STK_UNAVAILABLE;
        left = pq->PQflush(self->conn);
    }
    return left == 0 ? STK_OK : STK_UNAVAILABLE;
}

static enum stk_rc next_result(struct stk_pg *self, stk_time_ns deadline, PGresult **ret)
{
    const struct stk_pq *pq = self->pq;
    while (pq->PQisBusy(self->conn) == 1) {
        enum stk_rc rc = stk_pg_wait(pq, self->conn, false, deadline, NULL, NULL);
        if (rc != STK_OK || pq->PQconsumeInput(self->conn) != 1) return STK_UNAVAILABLE;
    }
    *ret = pq->PQgetResult(self->conn);
    return STK_OK;
}

/* *ret_failed: of the statement that the server refused. */
static enum stk_rc take_results(struct stk_pg *self, stk_time_ns deadline, enum stk_rc *ret_failed,
                                struct stk_error *err)
{
    const struct stk_pq *pq = self->pq;
    PGresult *result = NULL;
    enum stk_rc rc = STK_OK;
    *ret_failed = STK_OK;
    while ((rc = next_result(self, deadline, &result)) == STK_OK && result != NULL) {
        ExecStatusType status = pq->PQresultStatus(result);
        bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        if (!good && *ret_failed == STK_OK) *ret_failed = stk_pg_fail(self, result, "migrate", err);
        pq->PQclear(result);
    }
    if (rc != STK_OK || pq->PQstatus(self->conn) != CONNECTION_OK) return STK_UNAVAILABLE;
    return pq->PQenterPipelineMode(self->conn) == 1 ? STK_OK : STK_UNAVAILABLE;
}

static enum stk_rc run_text(struct stk_pg *self, const char *text, struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + MIGRATE_NS;
    enum stk_rc failed = STK_OK;
    enum stk_rc rc = send_text(self, text, deadline);
    if (rc == STK_OK) rc = take_results(self, deadline, &failed, err);
    if (rc != STK_OK) {
        if (failed == STK_OK) failed = stk_pg_fail(self, NULL, "migrate", err);
        stk_pg_disconnect(self);
    }
    self->failed = failed != STK_OK;
    return failed;
}

/* --- one step ------------------------------------------------------------------- */

static enum stk_rc record(struct stk_pg *self, int version, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    char checksum[CHECKSUM_TEXT];
    char text[128];
    const char *name = MIGRATION_PG_ALL[version - 1].name;
    make_checksum(MIGRATION_PG_ALL[version - 1].text, checksum);
    (void)snprintf(text, sizeof(text), "the schema is at version %d (%s)", version, name);

    stk_pg_arg_int(self, version);
    stk_pg_arg_text(self, name);
    stk_pg_arg_text(self, checksum);
    enum stk_rc rc = stk_pg_run(self, STMT_MIGRATION_ADD, "record the migration", &rows, err);
    if (rc != STK_OK) return rc;
    const struct stk_event event = { .text = text };
    return stk_pg_event_add(self, STK_EVENT_STORE_MIGRATED, &event, stk_pg_int(&rows, 0, 0), err);
}

static enum stk_rc write_next(struct stk_pg *self, const struct found *found, struct stk_error *err)
{
    int version = self->version + 1;
    enum stk_rc rc = STK_OK;
    if (!found->has_schema) {
        rc = stk_pg_run(self, STMT_MIGRATION_SCHEMA, "make the schema", NULL, err);
    }
    if (rc == STK_OK && !found->has_table) {
        rc = stk_pg_run(self, STMT_MIGRATION_TABLE, "make the table of migrations", NULL, err);
    }
    if (rc == STK_OK) rc = run_text(self, MIGRATION_PG_ALL[version - 1].text, err);
    if (rc == STK_OK) rc = record(self, version, err);
    return rc;
}

static enum stk_rc try_lock(struct stk_pg *self, bool *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_MIGRATION_TRY, "wait to migrate", &rows, err);
    if (rc == STK_OK) *ret = stk_pg_bool(&rows, 0, 0);
    return rc;
}

static enum stk_rc holder(struct stk_pg *self, char *ret, size_t size, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_MIGRATION_HOLDER, "wait to migrate", &rows, err);
    if (rc != STK_OK) return rc;
    (void)snprintf(ret, size, "another program");
    if (rows.count == 0) return STK_OK; /* it has just ended */
    (void)snprintf(ret, size, "\"%.60s\" (process %lld of the server)", stk_pg_text(&rows, 0, 1),
                   (long long)stk_pg_int(&rows, 0, 0));
    return STK_OK;
}

static enum stk_rc say_waiting(struct stk_pg *self, struct stk_error *err)
{
    char who[128], text[256];
    enum stk_rc rc = holder(self, who, sizeof(who), err);
    if (rc != STK_OK) return rc;
    (void)snprintf(text, sizeof(text), "waiting for %s, which is migrating %s", who, self->place);
    stk_store_say_wait(text);
    return STK_OK;
}

static enum stk_rc fail_waiting(struct stk_pg *self, struct stk_error *err)
{
    char who[128];
    enum stk_rc rc = holder(self, who, sizeof(who), err);
    if (rc != STK_OK) return rc;
    return stk_fail(err, STK_BUSY,
                    "%s has been migrating %s for %d minutes and is not done; try again later, or, "
                    "if it is stuck, end it with SELECT pg_terminate_backend(PROCESS)",
                    who, self->place, (int)(MIGRATE_NS / STK_MINUTE));
}

/* Not by waiting in the server: who holds the lock is alive as long as it is
 * held, and may take longer than any answer. */
static enum stk_rc take_turn(struct stk_pg *self, struct stk_error *err)
{
    stk_time_ns since = stk_clock_mono();
    bool said = false;
    bool is_ours = false;
    for (;;) {
        enum stk_rc rc = try_lock(self, &is_ours, err);
        if (rc != STK_OK || is_ours) return rc;
        stk_time_ns waited = stk_clock_mono() - since;
        if (waited > MIGRATE_NS) return fail_waiting(self, err);
        if (waited > SAY_NS && !said) rc = say_waiting(self, err);
        said = waited > SAY_NS;
        if (rc != STK_OK) return rc;
        stk_clock_pause(TRY_NS);
    }
}

static enum stk_rc in_transaction(struct stk_pg *self, struct stk_error *err)
{
    struct found found = { 0 };
    enum stk_rc rc = stk_pg_send(self, STMT_TXN_BEGIN, "begin to migrate", NULL, NULL, err);
    if (rc == STK_OK) {
        rc = stk_pg_send(self, STMT_MIGRATION_UNHURRIED, "begin to migrate", NULL, NULL, err);
    }
    if (rc == STK_OK) rc = take_turn(self, err);
    if (rc == STK_OK) rc = look(self, &found, err);
    if (rc == STK_OK && self->version < NEWEST) rc = write_next(self, &found, err);
    return rc == STK_OK ? stk_pg_run(self, STMT_TXN_COMMIT, "commit", NULL, err) : rc;
}

static enum stk_rc fail_denied(const struct stk_pg *self, struct stk_error *err)
{
    const char *role = self->conn != NULL ? self->pq->PQuser(self->conn) : "?";
    return stk_fail(err, STK_DENIED,
                    "%s has schema version %d, this program needs %d, and the role \"%s\" may not "
                    "change it: run `stoker migrate` as the migrator role (docs/postgresql.md)",
                    self->place, self->version, NEWEST, role);
}

/* Not stk_pg_begin: that one reads tables that may not be there yet. */
static enum stk_rc step(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = stk_pg_be_connected(self, err);
    if (rc != STK_OK) return rc;
    self->in_txn = true;
    self->failed = false;
    rc = in_transaction(self, err);
    if (rc != STK_OK) stk_pg_rollback(&self->base);
    self->in_txn = false;
    if (rc == STK_DENIED) return fail_denied(self, err);
    return rc == STK_OK ? read_version(self, err) : rc;
}

static enum stk_rc migrate(struct stk_pg *self, struct stk_error *err)
{
    struct found found = { 0 };
    enum stk_rc rc = look(self, &found, err);
    self->version_found = self->version;
    while (rc == STK_OK && self->version < NEWEST) {
        rc = step(self, err);
    }
    return rc;
}

/* A pooler that keeps nothing prepared is found out by the way. */
enum stk_rc stk_pg_migrate(struct stk_pg *self, struct stk_error *err)
{
    bool knew = self->unnamed;
    enum stk_rc rc = migrate(self, err);
    return rc == STK_BUSY && self->unnamed && !knew ? migrate(self, err) : rc;
}

enum stk_rc stk_pg_version_check(struct stk_pg *self, struct stk_error *err)
{
    struct found found = { 0 };
    enum stk_rc rc = look(self, &found, err);
    self->version_found = self->version;
    if (rc != STK_OK || self->version == NEWEST) return rc;
    return stk_fail(err, STK_CONFLICT,
                    "%s has schema version %d, this program needs %d: run `stoker migrate`",
                    self->place, self->version, NEWEST);
}

enum stk_rc stk_pg_versions(struct stk_store *store, int *ret_found, int *ret_have, int *ret_newest,
                            struct stk_error *err)
{
    (void)err;
    *ret_found = downcast(store)->version_found;
    *ret_have = downcast(store)->version;
    *ret_newest = NEWEST;
    return STK_OK;
}

const char *stk_pg_migration_text(int version)
{
    return version >= 1 && version <= NEWEST ? MIGRATION_PG_ALL[version - 1].text : NULL;
}
