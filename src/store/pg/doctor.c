/* SPDX-License-Identifier: MIT
 *
 * What doctor says of a server: what could lose something, what makes it slow,
 * and what to do. Each check asks one question and is a row of a table below.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timetext.h"

#define CLOCK_APART (2 * STK_SECOND)

enum {
    OLD_SECONDS = 300, /* of a transaction: dead rows behind it stay */
    OLD_TRANSACTIONS = 1000000,
    DEAD_ROWS = 10000,
    ROOM_CONNECTIONS = 10, /* a pool takes about six */
    INDEX_NAME_MAX = 64
};

struct doctor {
    struct stk_pg *self;
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

/* --- the server -------------------------------------------------------------- */

enum server_column {
    IN_RECOVERY,
    FSYNC,
    FULL_PAGES,
    SYNC_COMMIT,
    AUTOVACUUM,
    CONNECTIONS_MOST,
    CONNECTIONS_OPEN,
    BROKEN_PAGES,
    SERVER_PID,
    CLOCK
};

static void say_durability(const struct doctor *doctor, const struct stk_pg_rows *rows)
{
    const char *commit = stk_pg_text(rows, 0, SYNC_COMMIT);
    if (!stk_pg_bool(rows, 0, FSYNC) || !stk_pg_bool(rows, 0, FULL_PAGES)) {
        say(doctor, STK_FINDING_WARN,
            "fsync or full_page_writes is off: when the machine stops, all jobs may be lost or the "
            "database be damaged; turn them on in postgresql.conf");
    }
    if (strcmp(commit, "off") == 0) {
        say(doctor, STK_FINDING_WARN,
            "synchronous_commit is off: when the server stops, jobs that were accepted and results "
            "that were reported in its last second may be lost; turn it on for this role");
    }
    if (stk_pg_int(rows, 0, BROKEN_PAGES) > 0) {
        say(doctor, STK_FINDING_BAD,
            "the server has read %" PRId64 " pages of this database that were damaged: look at its "
            "log and restore the last backup",
            stk_pg_int(rows, 0, BROKEN_PAGES));
    }
}

static void say_connections(const struct doctor *doctor, const struct stk_pg_rows *rows)
{
    int64_t most = stk_pg_int(rows, 0, CONNECTIONS_MOST);
    int64_t open = stk_pg_int(rows, 0, CONNECTIONS_OPEN);
    bool few = most - open < ROOM_CONNECTIONS;
    say(doctor, few ? STK_FINDING_WARN : STK_FINDING_OK,
        "%" PRId64 " of the server's %" PRId64 " connections are open%s", open, most,
        few ? ": a pool takes about six; raise max_connections, or close what is not needed" : "");
}

/* libpq was told the process of whoever it talks to; a pooler makes one up. */
static void say_pooler(const struct doctor *doctor, const struct stk_pg_rows *rows)
{
    const struct stk_pg *self = doctor->self;
    bool between = self->pq->PQbackendPID(self->conn) != stk_pg_int(rows, 0, SERVER_PID);
    if (!between && !self->unnamed) return;
    say(doctor, STK_FINDING_WARN,
        "a pooler stands between here and the server: in transaction mode it delivers no hints, so "
        "that jobs start seconds later, and statements are %s; let pools connect directly, or in "
        "session mode",
        self->unnamed ? "planned anew each time" : "kept only if it knows how");
}

static void say_clocks(const struct doctor *doctor, stk_time_ns before, stk_time_ns db,
                       stk_time_ns after)
{
    const struct stk_pg *self = doctor->self;
    stk_time_ns apart = db - (before + (after - before) / 2);
    stk_time_ns size = apart < 0 ? -apart : apart;
    bool far = size - (after - before) > CLOCK_APART;
    say(doctor, far ? STK_FINDING_WARN : STK_FINDING_OK,
        "this machine's clock is %.1f s %s the database's%s", (double)size / (double)STK_SECOND,
        apart > 0 ? "behind" : "ahead of",
        far ? ": due times are the database's, but logs and consoles are not; look at NTP on both"
            : "");
    if (self->clock_step_mono == 0) return;
    say(doctor, STK_FINDING_WARN,
        "the database's clock leapt by %.1f s, %" PRId64 " minutes ago: jobs may have started that "
        "much early or late; look at NTP there",
        (double)self->clock_step / (double)STK_SECOND,
        (stk_clock_mono() - self->clock_step_mono) / STK_MINUTE);
}

static enum stk_rc check_server(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_pg *self = doctor->self;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_time_ns before = stk_clock_now();
    enum stk_rc rc = stk_pg_run(self, STMT_DOCTOR_SERVER, "look at the server", &rows, err);
    if (rc != STK_OK) return rc;

    say(doctor, STK_FINDING_OK, "%s is PostgreSQL %d.%d, schema version %d, timeline %" PRId64,
        self->place, self->server_version / 10000, self->server_version % 10000, self->version,
        self->timeline);
    if (stk_pg_bool(&rows, 0, IN_RECOVERY)) {
        say(doctor, STK_FINDING_BAD,
            "the server is a standby and takes no jobs: name all hosts in the connection string, "
            "or "
            "promote it");
    }
    say_clocks(doctor, before, stk_pg_int(&rows, 0, CLOCK), stk_clock_now());
    say_durability(doctor, &rows);
    if (!stk_pg_bool(&rows, 0, AUTOVACUUM)) {
        say(doctor, STK_FINDING_WARN,
            "autovacuum is off: the tables of jobs grow and get slow; turn it on");
    }
    say_connections(doctor, &rows);
    say_pooler(doctor, &rows);
    return STK_OK;
}

static enum stk_rc check_role(const struct doctor *doctor, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(doctor->self, STMT_DOCTOR_ROLE, "look at the role", &rows, err);
    if (rc != STK_OK) return rc;
    const char *name = stk_pg_text(&rows, 0, 0);
    if (stk_pg_bool(&rows, 0, 1)) {
        say(doctor, STK_FINDING_WARN,
            "the role %s is a superuser, which stoker never needs: see "
            "examples/postgresql/roles.sql",
            name);
        return STK_OK;
    }
    bool sees_all = stk_pg_bool(&rows, 0, 3);
    say(doctor, STK_FINDING_OK, "the role %s %s the schema%s", name,
        stk_pg_bool(&rows, 0, 2) ? "may migrate" : "may not migrate",
        sees_all ? "" : ", and sees only its own transactions (pg_read_all_stats shows all)");
    return STK_OK;
}

/* --- what it was ------------------------------------------------------------------ */

static void say_loss(const struct doctor *doctor, const struct past_row *row)
{
    char at[STK_TIME_TEXT];
    if (row->lost_at == STK_NEVER) {
        say(doctor, STK_FINDING_OK, "no pool has found anything missing that it had committed");
        return;
    }
    stk_time_text(row->lost_at, at);
    say(doctor, STK_FINDING_WARN,
        "at %s a pool found that the database had gone back in time: %s; submit again what matters "
        "(docs/postgresql.md, Backups and failover)",
        at, row->lost);
}

static enum stk_rc check_past(const struct doctor *doctor, struct stk_error *err)
{
    struct past_row row;
    enum stk_rc rc = stk_past_row(doctor->self, &row, err);
    if (rc == STK_NOT_FOUND) return STK_OK;
    if (rc != STK_OK) return rc;
    bool is_known = row.system != 0 && row.system_now != 0;
    if (is_known && row.system != row.system_now) {
        say(doctor, STK_FINDING_WARN,
            "no pool has worked here since the database came to this server: a dump was restored, "
            "or the server was upgraded; nobody can tell what was written after the dump");
    } else if (row.xid >= row.next_xid) {
        say(doctor, STK_FINDING_BAD,
            "the server gives transactions numbers that it has given before: its log was reset "
            "(pg_resetwal), rows may be damaged; restore the last backup");
    }
    say_loss(doctor, &row);
    return STK_OK;
}

/* --- what keeps dead rows -------------------------------------------------------- */

static enum stk_rc check_oldest(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_pg *self = doctor->self;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, OLD_SECONDS);
    enum stk_rc rc = stk_pg_run(self, STMT_DOCTOR_OLDEST, "look at transactions", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        bool prepared = stk_pg_bool(&rows, i, 2);
        say(doctor, STK_FINDING_WARN,
            "%s%s has kept a transaction open for %" PRId64 " minutes, and no row that died since "
            "can be removed: %s",
            prepared ? "the prepared transaction " : "", stk_pg_text(&rows, i, 0),
            stk_pg_int(&rows, i, 1) / 60,
            prepared ? "COMMIT PREPARED or ROLLBACK PREPARED ends it"
                     : "end it there, or with SELECT pg_terminate_backend(pid)");
    }
    if (rc == STK_OK && rows.count == 0) {
        say(doctor, STK_FINDING_OK, "no transaction has been open for longer than %d minutes",
            OLD_SECONDS / 60);
    }
    return rc;
}

static enum stk_rc check_slots(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_pg *self = doctor->self;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, OLD_TRANSACTIONS);
    enum stk_rc rc = stk_pg_run(self, STMT_DOCTOR_SLOTS, "look at replication", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        bool active = stk_pg_bool(&rows, i, 1);
        say(doctor, STK_FINDING_WARN,
            active ? "the reader of the replication slot %s is far behind, and dead rows stay for "
                     "it: see what holds it up"
                   : "nobody reads the replication slot %s: log and dead rows pile up for it; "
                     "SELECT pg_drop_replication_slot(...) if it is not needed",
            stk_pg_text(&rows, i, 0));
    }
    return rc;
}

static enum stk_rc check_dead(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_pg *self = doctor->self;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, DEAD_ROWS);
    enum stk_rc rc = stk_pg_run(self, STMT_DOCTOR_DEAD, "look at dead rows", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        const char *table = stk_pg_text(&rows, i, 0);
        say(doctor, STK_FINDING_WARN,
            "stoker.%s has %" PRId64 " dead rows (%" PRId64 " %%), and autovacuum has not come: "
            "see above what holds it up, then VACUUM stoker.%s",
            table, stk_pg_int(&rows, i, 1), stk_pg_int(&rows, i, 2), table);
    }
    return rc;
}

static enum stk_rc check_unkept(const struct doctor *doctor, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(doctor->self, STMT_DOCTOR_UNKEPT, "look at the tables", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        const char *table = stk_pg_text(&rows, i, 0);
        say(doctor, STK_FINDING_WARN,
            "autovacuum is off for stoker.%s: ALTER TABLE stoker.%s RESET (autovacuum_enabled)",
            table, table);
    }
    return rc;
}

/* --- indexes --------------------------------------------------------------------- */

struct names {
    char (*list)[INDEX_NAME_MAX];
    size_t count;
};

static void release_names(struct names *names)
{
    free(names->list);
}

static void add_name(struct names *names, const char *name)
{
    size_t len = strcspn(name, " ");
    assert(len < INDEX_NAME_MAX);
    names->list = stk_realloc(names->list, names->count + 1, sizeof(*names->list));
    memcpy(names->list[names->count], name, len);
    names->list[names->count++][len] = '\0';
}

/* As the migrations make them, each at the beginning of a line: there is no other
 * list of them that could be wrong. */
static void find_names(struct names *names, const char *text)
{
    static const char *const begins[] = { "CREATE INDEX ", "CREATE UNIQUE INDEX " };
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        for (size_t i = 0; i < STK_ARRAY_LEN(begins); i++) {
            size_t len = strlen(begins[i]);
            if (strncmp(line, begins[i], len) == 0) add_name(names, line + len);
        }
    }
}

static enum stk_rc check_indexes(const struct doctor *doctor, struct stk_error *err)
{
    struct stk_pg *self = doctor->self;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    STK_CLEANUP(release_names) struct names names = { 0 };
    const char *text = NULL;
    for (int version = 1; (text = stk_pg_migration_text(version)) != NULL; version++) {
        find_names(&names, text);
    }
    stk_pg_array_texts(self, names.count);
    for (size_t i = 0; i < names.count; i++) {
        stk_pg_item(self, names.list[i], strlen(names.list[i]));
    }
    stk_pg_array_end(self);
    enum stk_rc rc = stk_pg_run(self, STMT_DOCTOR_INDEXES, "look at the indexes", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        bool is_there = stk_pg_bool(&rows, i, 1);
        const char *name = stk_pg_text(&rows, i, 0);
        say(doctor, STK_FINDING_BAD,
            is_there ? "the index stoker.%s is not valid: REINDEX INDEX stoker.%s"
                     : "the index stoker.%s is missing, and what it is for is slow or not refused: "
                       "make %s again as src/store/migrations/pg has it",
            name, name);
    }
    if (rc == STK_OK && rows.count == 0) {
        say(doctor, STK_FINDING_OK, "all %zu indexes are there and valid", names.count);
    }
    return rc;
}

/* --- all ------------------------------------------------------------------------- */

static enum stk_rc check_counters(const struct doctor *doctor, struct stk_error *err)
{
    int64_t wrong = 0;
    if (doctor->self->in_txn) return STK_OK; /* its changes are not all written yet */
    enum stk_rc rc =
        stk_pg_number(doctor->self, STMT_COUNT_CHECK, "check the counters", 0, &wrong, err);
    if (rc != STK_OK) return rc;
    if (wrong == 0) say(doctor, STK_FINDING_OK, "the counters agree with the jobs");
    if (wrong > 0) {
        say(doctor, STK_FINDING_BAD, "%" PRId64 " counters differ from the jobs they count", wrong);
    }
    return STK_OK;
}

static const struct {
    enum stk_rc (*run)(const struct doctor *doctor, struct stk_error *err);
    bool is_deep;
} checks[] = {
    { check_server, false }, { check_role, false },    { check_past, false },
    { check_oldest, false }, { check_slots, false },   { check_dead, false },
    { check_unkept, false }, { check_indexes, false }, { check_counters, true },
};

enum stk_rc stk_pg_doctor(struct stk_store *store, bool deep, stk_finding_fn each, void *context,
                          struct stk_error *err)
{
    const struct doctor doctor = { downcast(store), each, context };
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < STK_ARRAY_LEN(checks) && rc == STK_OK; i++) {
        if (deep || !checks[i].is_deep) rc = checks[i].run(&doctor, err);
    }
    return rc;
}
