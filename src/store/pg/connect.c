/* SPDX-License-Identifier: MIT
 *
 * Connections: every wait has a deadline, every error of the server a meaning.
 */
#include "store/pg/pg.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

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

static stk_time_ns time_left(stk_time_ns deadline, struct stk_pg_hurry *hurry)
{
    stk_time_ns until = hurry != NULL ? atomic_load(&hurry->until) : 0;
    return (until != 0 && until < deadline ? until : deadline) - stk_clock_mono();
}

/* Not until anything wakes it: libpq takes a call as a sign that its socket is ready. */
enum stk_rc stk_pg_wait(const struct stk_pq *pq, PGconn *conn, bool to_write, stk_time_ns deadline,
                        struct stk_pg_hurry *hurry, struct stk_error *err)
{
    struct pollfd fds[] = {
        { .fd = pq->PQsocket(conn), .events = (short)(to_write ? POLLIN | POLLOUT : POLLIN) },
        { .fd = hurry != NULL ? hurry->bell : -1, .events = POLLIN },
    };
    stk_time_ns left = 0;
    while ((left = time_left(deadline, hurry)) > 0) {
        struct timespec wait = { .tv_sec = left / STK_SECOND, .tv_nsec = left % STK_SECOND };
        eventfd_t rings = 0;
        int ready = ppoll(fds, STK_ARRAY_LEN(fds), &wait, NULL);
        if (ready > 0 && fds[0].revents != 0) return STK_OK;
        if (ready > 0 && hurry != NULL && fds[1].revents != 0)
            (void)eventfd_read(hurry->bell, &rings);
    }
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
    { "target_session_attrs", "read-write" },
    { "client_encoding", "UTF8" },
};

/* --- hosts ------------------------------------------------------------------ */

/* A URL may name several, with as many ports or one; libpq's lists have commas. */
enum { LISTS = 3, WORD_BYTES_MAX = 256 };
static const char *const list_keys[LISTS] = { "host", "hostaddr", "port" };

struct hosts {
    char *lists[LISTS]; /* NULL: the URL does not say */
    size_t count;
};

static void hosts_release(struct hosts *hosts)
{
    for (size_t i = 0; i < LISTS; i++) {
        free(hosts->lists[i]);
    }
}

static size_t count_words(const char *list)
{
    size_t count = list != NULL ? 1 : 0;
    for (const char *at = list; at != NULL && (at = strchr(at, ',')) != NULL; at++) {
        count++;
    }
    return count;
}

static void read_hosts(const struct stk_pq *pq, const char *url, struct hosts *ret)
{
    *ret = (struct hosts){ .count = 1 };
    PQconninfoOption *options = pq->PQconninfoParse(url, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++) {
        for (size_t i = 0; i < LISTS; i++) {
            bool is_it = strcmp(option->keyword, list_keys[i]) == 0;
            if (is_it && option->val != NULL) ret->lists[i] = stk_strdup(option->val);
        }
    }
    if (options != NULL) pq->PQconninfoFree(options);
    for (size_t i = 0; i < LISTS; i++) {
        size_t count = count_words(ret->lists[i]);
        if (count > ret->count) ret->count = count;
    }
}

/* The n-th word of the list, or its only one; NULL: it has none. */
static const char *nth_word(const char *list, size_t n, char *buf)
{
    size_t count = count_words(list);
    if (count == 0) return NULL;
    for (size_t i = 0; i < n && count > 1; i++) {
        const char *comma = strchr(list, ',');
        if (comma == NULL) return NULL;
        list = comma + 1;
    }
    (void)snprintf(buf, WORD_BYTES_MAX, "%.*s", (int)strcspn(list, ","), list);
    return buf;
}

/* --- connecting ------------------------------------------------------------- */

static enum stk_rc say_refused(const struct stk_pq *pq, PGconn *conn, struct stk_error *err)
{
    const char *text = pq->PQerrorMessage(conn);
    bool denied = strstr(text, "authentication failed") != NULL ||
                  strstr(text, "no password supplied") != NULL;
    return stk_fail(err, denied ? STK_DENIED : STK_UNAVAILABLE, "%.*s", line_len(text), text);
}

static enum stk_rc finish_connecting(const struct stk_pq *pq, PGconn *conn,
                                     struct stk_pg_hurry *hurry, struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + STK_PG_CONNECT_NS;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        enum stk_rc rc = STK_OK;
        if (pq->PQsocket(conn) >= 0) {
            rc = stk_pg_wait(pq, conn, next == PGRES_POLLING_WRITING, deadline, hurry, err);
        }
        if (rc != STK_OK) return stk_fail(err, STK_UNAVAILABLE, "it does not answer");
        next = pq->PQconnectPoll(conn);
    }
    return next == PGRES_POLLING_OK ? STK_OK : say_refused(pq, conn, err);
}

static void swallow(void *context, const char *message)
{
    (void)context, (void)message;
}

struct way {
    const char *url, *name;
    const struct hosts *hosts;
    struct stk_pg_hurry *hurry;
};

/* What the URL says wins over the standard, the one host over its list. */
static enum stk_rc connect_to(const struct stk_pq *pq, const struct way *way, size_t host,
                              PGconn **ret, struct stk_error *err)
{
    const char *keys[WORDS_MAX] = { 0 }, *values[WORDS_MAX] = { 0 };
    char words[LISTS][WORD_BYTES_MAX];
    size_t count = 0;
    for (; count < STK_ARRAY_LEN(standard_words); count++) {
        keys[count] = standard_words[count][0];
        values[count] = standard_words[count][1] != NULL ? standard_words[count][1] : way->name;
    }
    keys[count] = "dbname"; /* expanded here */
    values[count++] = way->url;
    for (size_t i = 0; i < LISTS && way->hosts->count > 1; i++) {
        keys[count] = list_keys[i];
        values[count] = nth_word(way->hosts->lists[i], host, words[i]);
        if (values[count] != NULL) count++;
    }
    keys[count] = NULL;

    PGconn *conn = pq->PQconnectStartParams(keys, values, 1);
    if (conn == NULL) return stk_fail(err, STK_UNAVAILABLE, "out of memory");
    enum stk_rc rc = finish_connecting(pq, conn, way->hurry, err);
    if (rc != STK_OK) {
        pq->PQfinish(conn);
        return rc;
    }
    (void)pq->PQsetNoticeProcessor(conn, swallow, NULL);
    *ret = conn;
    return STK_OK;
}

/* One host after the other: libpq itself passes over one that does not answer only
 * where it blocks, and then nobody could hurry it. */
enum stk_rc stk_pg_connect(const struct stk_pq *pq, const char *url, const char *name,
                           struct stk_pg_hurry *hurry, PGconn **ret, struct stk_error *err)
{
    STK_CLEANUP(hosts_release) struct hosts hosts;
    read_hosts(pq, url, &hosts);
    const struct way way = { url, name, &hosts, hurry };
    enum stk_rc rc = STK_UNAVAILABLE;
    for (size_t i = 0; i < hosts.count && rc != STK_OK; i++) {
        rc = connect_to(pq, &way, i, ret, err);
    }
    return rc;
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
    stk_past_met(self, stk_pg_int(&rows, 0, 2));
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

    enum stk_rc rc = stk_pg_connect(self->pq, self->url, self->command, NULL, &self->conn, &own);
    if (rc != STK_OK) {
        return stk_fail(err, rc, "could not connect to %s: %s", self->place, own.text);
    }
    rc = set_up(self, err);
    if (rc == STK_OK) rc = stk_pg_doubt_resolve(self, err);
    if (rc != STK_OK) stk_pg_disconnect(self);
    return rc;
}
