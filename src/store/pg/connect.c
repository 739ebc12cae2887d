/* SPDX-License-Identifier: MIT
 *
 * Connections: every wait has a deadline, every error of the server a meaning.
 */
#include "store/pg/pg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"

enum { SERVER_OLDEST = 140000, SQLSTATE_CLASS = 2, WORDS_MAX = 12 };

/* --- errors --------------------------------------------------------------- */

/* clang-format off */
/* The first row that the SQLSTATE begins with. */
static const struct {
    const char *state;
    enum stk_rc rc;
    const char *hint;
} meanings[] = {
    { "40001", STK_BUSY,        NULL },
    { "40P01", STK_BUSY,        NULL },
    { "55P03", STK_BUSY,        NULL },
    { "26000", STK_BUSY,        NULL }, /* a pooler gave us another server */
    { "42P05", STK_BUSY,        NULL },
    { "25P02", STK_UNAVAILABLE, NULL },
    { "25006", STK_UNAVAILABLE, "the server is a standby: name all hosts in the connection string" },
    { "57014", STK_TIMEOUT,     "narrow the question: by task and state, by sweep, or with a smaller limit" },
    { "57P",   STK_UNAVAILABLE, NULL },
    { "53100", STK_FULL,        "free some room; nothing that was accepted is lost" },
    { "53",    STK_UNAVAILABLE, NULL },
    { "08",    STK_UNAVAILABLE, NULL },
    { "28",    STK_DENIED,      "see docs/postgresql.md for roles, pg_hba.conf and ~/.pgpass" },
    { "42501", STK_DENIED,      "see docs/postgresql.md for what each role may do" },
    { "3D000", STK_NOT_FOUND,   "create it with createdb" },
    { "42P01", STK_NOT_FOUND,   "the store is not made yet, or this role may not see it" },
    { "3F000", STK_NOT_FOUND,   "the store is not made yet: stoker migrate" },
    { "XX",    STK_BAD_DATA,    "look at the server's log; restore the last backup if its files are damaged" },
};
/* clang-format on */

static size_t meaning_of(const char *state)
{
    size_t at = 0;
    while (at < STK_ARRAY_LEN(meanings) &&
           strncmp(state, meanings[at].state, strlen(meanings[at].state)) != 0) {
        at++;
    }
    return at;
}

/* libpq ends its messages with line breaks. */
static int line_len(const char *text)
{
    return (int)strcspn(text, "\n");
}

static enum stk_rc fail_lost(struct stk_pg *self, const char *what, struct stk_error *err)
{
    const char *text = self->conn != NULL ? self->pq->PQerrorMessage(self->conn) : "";
    if (*text == '\0') text = "the connection is lost";
    return stk_fail(err, STK_UNAVAILABLE, "could not %s: %.*s (%s)", what, line_len(text), text,
                    self->place);
}

enum stk_rc stk_pg_fail(struct stk_pg *self, const PGresult *result, const char *what,
                        struct stk_error *err)
{
    const char *state =
        result != NULL ? self->pq->PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (state == NULL) return fail_lost(self, what, err);

    size_t at = meaning_of(state);
    bool known = at < STK_ARRAY_LEN(meanings);
    const char *text = self->pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0) self->unnamed = true;
    if (strcmp(state, "25006") == 0) self->stale = true;
    return stk_fail(err, known ? meanings[at].rc : STK_INTERNAL, "could not %s: %s (%s, %s)%s%s",
                    what, text != NULL ? text : "?", self->place, state,
                    known && meanings[at].hint != NULL ? "; " : "",
                    known && meanings[at].hint != NULL ? meanings[at].hint : "");
}

/* --- waiting -------------------------------------------------------------- */

enum stk_rc stk_pg_wait(const struct stk_pq *pq, PGconn *conn, bool to_write, stk_time_ns deadline,
                        struct stk_error *err)
{
    struct pollfd poll_fd = { .fd = pq->PQsocket(conn),
                              .events = (short)(to_write ? POLLIN | POLLOUT : POLLIN) };
    stk_time_ns left = deadline - stk_clock_mono();
    if (left <= 0) return stk_fail(err, STK_TIMEOUT, "the server does not answer");

    struct timespec wait = { .tv_sec = left / STK_SECOND, .tv_nsec = left % STK_SECOND };
    int ready = ppoll(&poll_fd, 1, &wait, NULL);
    if (ready != 0) return STK_OK; /* a signal: the caller looks again */
    return stk_fail(err, STK_TIMEOUT, "the server does not answer");
}

/* --- connection strings --------------------------------------------------- */

enum stk_rc stk_pg_check_url(const struct stk_pq *pq, const char *url, struct stk_error *err)
{
    char *why = NULL;
    PQconninfoOption *options = pq->PQconninfoParse(url, &why);
    if (options == NULL) {
        /* Its text may quote the URL, and the URL may hold a password. */
        pq->PQfreemem(why);
        return stk_fail(err, STK_INVALID,
                        "the store's connection string cannot be read; write "
                        "postgresql://USER@HOST:PORT/DATABASE?OPTION=VALUE");
    }
    bool has_password = false;
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        bool is_it = strcmp(option->keyword, "password") == 0;
        if (is_it && option->val != NULL && *option->val != '\0') has_password = true;
    }
    pq->PQconninfoFree(options);
    if (!has_password) return STK_OK;
    return stk_fail(err, STK_BAD_CONFIG,
                    "the store's connection string holds a password, which others could read: "
                    "put it into ~/.pgpass, or a file of mode 0600 named by passfile=FILE");
}

/* What the URL does not say itself. A server that is gone is found out in
 * seconds, also where packets just vanish. */
static const char *const standard_words[][2] = {
    { "application_name", NULL }, /* the caller's name */
    { "keepalives_idle", "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count", "3" },
    { "tcp_user_timeout", "15000" },
    { "connect_timeout", "5" }, /* of each host */
    { "target_session_attrs", "read-write" },
    { "client_encoding", "UTF8" },
};

static enum stk_rc check_connected(const struct stk_pq *pq, PGconn *conn, struct stk_error *err)
{
    if (pq->PQstatus(conn) == CONNECTION_OK) return STK_OK;
    const char *text = pq->PQerrorMessage(conn);
    bool denied = strstr(text, "authentication failed") != NULL ||
                  strstr(text, "no password supplied") != NULL;
    return stk_fail(err, denied ? STK_DENIED : STK_UNAVAILABLE, "%.*s", line_len(text), text);
}

static void swallow(void *context, const char *message)
{
    (void)context, (void)message;
}

enum stk_rc stk_pg_connect(const struct stk_pq *pq, const char *url, const char *name, PGconn **ret,
                           struct stk_error *err)
{
    const char *keys[WORDS_MAX] = { 0 }, *values[WORDS_MAX] = { 0 };
    size_t count = 0;
    for (; count < STK_ARRAY_LEN(standard_words); count++) {
        keys[count] = standard_words[count][0];
        values[count] = standard_words[count][1] != NULL ? standard_words[count][1] : name;
    }
    keys[count] = "dbname"; /* expanded here: what it says comes later and wins */
    values[count] = url;

    /* It blocks: only so does libpq itself pass over a host that does not answer. */
    PGconn *conn = pq->PQconnectdbParams(keys, values, 1);
    if (conn == NULL) return stk_fail(err, STK_UNAVAILABLE, "out of memory");
    enum stk_rc rc = check_connected(pq, conn, err);
    if (rc != STK_OK) {
        pq->PQfinish(conn);
        return rc;
    }
    (void)pq->PQsetNoticeProcessor(conn, swallow, NULL);
    *ret = conn;
    return STK_OK;
}

/* --- a store's own connection --------------------------------------------- */

void stk_pg_disconnect(struct stk_pg *self)
{
    if (self->conn != NULL) self->pq->PQfinish(self->conn);
    self->conn = NULL;
    self->stale = false;
    self->sent_count = 0;
    memset(self->prepared, 0, sizeof(self->prepared));
}

/* Who is cut off inside a transaction cannot end it, and the server would keep
 * its locks for hours. They must be gone before others look for its jobs, and
 * while those who wait for them can still beat in time. */
static int64_t patience_ms(const struct stk_pg *self)
{
    return self->lease_ns / 4 / STK_MS;
}

static enum stk_rc greet(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, self->pq->PQbackendPID(self->conn));
    stk_pg_arg_int(self, patience_ms(self));
    enum stk_rc rc = stk_pg_run(self, STMT_TXN_HELLO, "greet the server", &rows, err);
    if (rc != STK_OK) return rc;
    stk_pg_clock_set(self, stk_pg_int(&rows, 0, 0));
    self->timeline = stk_pg_int(&rows, 0, 1);
    return STK_OK;
}

static enum stk_rc set_up(struct stk_pg *self, struct stk_error *err)
{
    self->server_version = self->pq->PQserverVersion(self->conn);
    if (self->server_version < SERVER_OLDEST) {
        return stk_fail(err, STK_CONFLICT, "%s is PostgreSQL %d; stoker needs 14 or newer",
                        self->place, self->server_version / 10000);
    }
    if (self->pq->PQsetnonblocking(self->conn, 1) != 0 ||
        self->pq->PQenterPipelineMode(self->conn) != 1) {
        return fail_lost(self, "use the connection", err);
    }
    self->connects++;
    (void)snprintf(self->prefix, sizeof(self->prefix), "s%08x_", (unsigned)stk_rand_u64());

    return greet(self, err);
}

enum stk_rc stk_pg_be_connected(struct stk_pg *self, struct stk_error *err)
{
    struct stk_error own = { 0 };
    if (self->conn != NULL && (self->stale || self->pq->PQstatus(self->conn) != CONNECTION_OK)) {
        stk_pg_disconnect(self);
    }
    if (self->conn != NULL) return STK_OK;

    enum stk_rc rc = stk_pg_connect(self->pq, self->url, self->command, &self->conn, &own);
    if (rc != STK_OK) {
        return stk_fail(err, rc, "could not connect to %s: %s", self->place, own.text);
    }
    rc = set_up(self, err);
    if (rc == STK_OK) rc = stk_pg_doubt_resolve(self, err);
    if (rc != STK_OK) stk_pg_disconnect(self);
    return rc;
}
