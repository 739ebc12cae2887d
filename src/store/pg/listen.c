/* SPDX-License-Identifier: MIT
 *
 * Hints between processes: a thread with a connection of its own, since who
 * waits for others' notifications must always be reading. It never says a hint
 * inside somebody's transaction: committers would wait for each other.
 *
 * Whether LISTEN works at all is tried out, again and again: a pooler that gives
 * each transaction another server takes it and delivers nothing.
 */
#include "store/pg/pg.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "sql_pg.h"

#define SAY_GAP_NS    (50 * STK_MS)
#define ANSWER_NS     (5 * STK_SECOND)
#define CHECK_NS      (10 * STK_SECOND) /* between two tries of whether it hears */
#define DEAF_NS       (30 * STK_SECOND) /* then a new connection may hear more */
#define RETRY_NS      (200 * STK_MS)
#define RETRY_MOST_NS (5 * STK_SECOND)
#define CLOSE_NS      (800 * STK_MS) /* for what is left to be said when it is closed */
#define NOT_DUE       INT64_MAX      /* later than any time, as STK_NEVER is not */

enum { STACK_BYTES = 256 * 1024, PAYLOAD_BYTES = 32, ALL_HINTS = (1 << STK_HINT_COUNT_) - 1 };

struct stk_listener {
    const struct stk_pq *pq;
    char *url;
    stk_heard_fn heard;
    void *context;
    pthread_t thread;
    struct stk_pg_hurry hurry; /* its bell: something was told, or it is to stop */
    atomic_uint told;
    atomic_bool stopping, hears;

    /* the thread's own; times are mono */
    PGconn *conn;
    stk_time_ns say_at;    /* the earliest time of the next message */
    stk_time_ns check_at;  /* when to try whether it hears; NOT_DUE: under way, or deaf */
    stk_time_ns check_by;  /* when the try has failed; NOT_DUE: none is under way */
    stk_time_ns renew_at;  /* NOT_DUE, or deaf: when to connect anew */
    stk_time_ns retry_gap; /* 0: the last connecting went well, or there was none */
    char nonce[PAYLOAD_BYTES];
};

static stk_time_ns earlier(stk_time_ns a, stk_time_ns b)
{
    return a < b ? a : b;
}

/* --- the connection ----------------------------------------------------------- */

static void disconnect(struct stk_listener *listener)
{
    if (listener->conn != NULL) listener->pq->PQfinish(listener->conn);
    listener->conn = NULL;
    atomic_store(&listener->hears, false);
}

static bool wait_until_answered(struct stk_listener *listener, stk_time_ns deadline)
{
    const struct stk_pq *pq = listener->pq;
    while (pq->PQisBusy(listener->conn) == 1) {
        enum stk_rc rc = stk_pg_wait(pq, listener->conn, false, deadline, &listener->hurry, NULL);
        if (rc != STK_OK || pq->PQconsumeInput(listener->conn) != 1) return false;
    }
    return true;
}

/* One statement and its answer; false: the connection is no good any more. */
static bool ask(struct stk_listener *listener, const char *statement, int count,
                const char *const *values)
{
    const struct stk_pq *pq = listener->pq;
    stk_time_ns deadline = stk_clock_mono() + ANSWER_NS;
    PGresult *result = NULL;
    bool good =
        pq->PQsendQueryParams(listener->conn, statement, count, NULL, values, NULL, NULL, 0) == 1;
    while (good && (good = wait_until_answered(listener, deadline)) &&
           (result = pq->PQgetResult(listener->conn)) != NULL) {
        ExecStatusType status = pq->PQresultStatus(result);
        good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        pq->PQclear(result);
    }
    if (!good) disconnect(listener);
    return good;
}

/* Whatever was said meanwhile is lost: the row is the truth. */
static bool be_connected(struct stk_listener *listener)
{
    if (listener->conn != NULL) return true;
    enum stk_rc rc = stk_pg_connect(listener->pq, listener->url, "stoker listener",
                                    &listener->hurry, &listener->conn, NULL);
    bool good = rc == STK_OK && ask(listener, SQL_PG_LISTEN, 0, NULL);
    if (!good) {
        listener->retry_gap =
            listener->retry_gap == 0 ? RETRY_NS : earlier(2 * listener->retry_gap, RETRY_MOST_NS);
        return false;
    }
    listener->retry_gap = 0;
    listener->check_at = 0;
    listener->check_by = NOT_DUE;
    listener->renew_at = NOT_DUE;
    listener->heard(listener->context, ALL_HINTS);
    return true;
}

/* --- saying --------------------------------------------------------------------- */

static bool say(struct stk_listener *listener, const char *payload)
{
    const char *const values[] = { payload };
    return ask(listener, SQL_PG_NOTIFY, 1, values);
}

/* What could not be said is said on the next connection. */
static void say_told(struct stk_listener *listener)
{
    char payload[PAYLOAD_BYTES];
    unsigned hints = atomic_exchange(&listener->told, 0);
    if (hints == 0) return;
    (void)snprintf(payload, sizeof(payload), "%u", hints);
    if (!say(listener, payload)) (void)atomic_fetch_or(&listener->told, hints);
    listener->say_at = stk_clock_mono() + SAY_GAP_NS;
}

/* --- hearing -------------------------------------------------------------------- */

/* The hints of one notification; of its own nonce, none. */
static unsigned take(struct stk_listener *listener, const char *payload)
{
    char *end = NULL;
    if (listener->check_by != NOT_DUE && strcmp(payload, listener->nonce) == 0) {
        listener->check_by = NOT_DUE;
        listener->check_at = stk_clock_mono() + CHECK_NS;
        atomic_store(&listener->hears, true);
        return 0;
    }
    unsigned long hints = strtoul(payload, &end, 10);
    return end != payload && *end == '\0' ? (unsigned)hints & ALL_HINTS : 0;
}

static void hear(struct stk_listener *listener)
{
    const struct stk_pq *pq = listener->pq;
    unsigned hints = 0;
    if (pq->PQconsumeInput(listener->conn) != 1) {
        disconnect(listener);
        return;
    }
    PGnotify *note = NULL;
    while ((note = pq->PQnotifies(listener->conn)) != NULL) {
        hints |= take(listener, note->extra);
        pq->PQfreemem(note);
    }
    if (hints != 0) listener->heard(listener->context, hints);
}

/* --- whether it hears ------------------------------------------------------------- */

static void begin_check(struct stk_listener *listener, stk_time_ns now)
{
    (void)snprintf(listener->nonce, sizeof(listener->nonce), "N:%016llx",
                   (unsigned long long)stk_rand_u64());
    listener->check_at = NOT_DUE;
    listener->check_by = now + ANSWER_NS;
    (void)say(listener, listener->nonce);
}

static void check(struct stk_listener *listener)
{
    stk_time_ns now = stk_clock_mono();
    if (now >= listener->check_by) {
        atomic_store(&listener->hears, false);
        listener->check_by = NOT_DUE;
        listener->renew_at = now + DEAF_NS;
    }
    if (now >= listener->renew_at) disconnect(listener);
    if (listener->conn != NULL && now >= listener->check_at) begin_check(listener, now);
}

/* --- the thread -------------------------------------------------------------------- */

static void wait_until(struct stk_listener *listener, stk_time_ns until)
{
    struct pollfd fds[] = {
        { .fd = listener->hurry.bell, .events = POLLIN },
        { .fd = listener->conn != NULL ? listener->pq->PQsocket(listener->conn) : -1,
          .events = POLLIN },
    };
    stk_time_ns left = until - stk_clock_mono();
    if (left < 0) left = 0;
    struct timespec wait = { .tv_sec = left / STK_SECOND, .tv_nsec = left % STK_SECOND };
    (void)ppoll(fds, STK_ARRAY_LEN(fds), &wait, NULL);
    eventfd_t rings = 0;
    if (fds[0].revents != 0) (void)eventfd_read(listener->hurry.bell, &rings);
}

static stk_time_ns next_time(const struct stk_listener *listener)
{
    stk_time_ns next = earlier(stk_clock_mono() + STK_HOUR, listener->check_at);
    next = earlier(next, listener->check_by);
    next = earlier(next, listener->renew_at);
    return atomic_load(&listener->told) != 0 ? earlier(next, listener->say_at) : next;
}

/* Each of these may lose the connection; the next then waits for a new one. */
static void step(struct stk_listener *listener)
{
    hear(listener);
    if (listener->conn != NULL && stk_clock_mono() >= listener->say_at) say_told(listener);
    if (listener->conn != NULL) check(listener);
    if (listener->conn != NULL) hear(listener); /* what came along with an answer */
    if (listener->conn != NULL) wait_until(listener, next_time(listener));
}

/* A bell that rings while there is no connection must not make it try at once. */
static void wait_to_retry(struct stk_listener *listener)
{
    stk_time_ns until = stk_clock_mono() + listener->retry_gap;
    while (!atomic_load(&listener->stopping) && stk_clock_mono() < until) {
        wait_until(listener, until);
    }
}

static void *listener_main(void *arg)
{
    struct stk_listener *listener = arg;
    while (!atomic_load(&listener->stopping)) {
        if (be_connected(listener)) {
            step(listener);
        } else {
            wait_to_retry(listener);
        }
    }
    bool is_trying = listener->retry_gap != 0;
    if (atomic_load(&listener->told) != 0 && !is_trying && be_connected(listener)) {
        say_told(listener);
    }
    disconnect(listener);
    return NULL;
}

/* --- start and stop ------------------------------------------------------------------ */

static void release(struct stk_listener *listener)
{
    if (listener->hurry.bell >= 0) (void)close(listener->hurry.bell);
    free(listener->url);
    free(listener);
}

/* Signals are for the main thread. */
static int start_thread(struct stk_listener *listener)
{
    pthread_attr_t attr;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&listener->thread, &attr, listener_main, listener);
    (void)pthread_attr_destroy(&attr);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

enum stk_rc stk_pg_listen(const char *url, stk_heard_fn heard, void *context,
                          struct stk_listener **ret, struct stk_error *err)
{
    const struct stk_pq *pq = NULL;
    enum stk_rc rc = stk_pq_load(&pq, err);
    if (rc == STK_OK) rc = stk_pg_check_url(pq, url, err);
    if (rc != STK_OK) return rc;

    struct stk_listener *listener = stk_alloc(sizeof(*listener));
    listener->pq = pq;
    listener->url = stk_strdup(url);
    listener->heard = heard;
    listener->context = context;
    listener->check_at = listener->check_by = listener->renew_at = NOT_DUE;
    listener->hurry.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = listener->hurry.bell < 0 ? errno : start_thread(listener);
    if (code != 0) {
        release(listener);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the thread of the hints: %s",
                        strerror(code));
    }
    *ret = listener;
    return STK_OK;
}

void stk_listener_tell(struct stk_listener *listener, unsigned hints)
{
    if (listener == NULL || hints == 0) return;
    (void)atomic_fetch_or(&listener->told, hints);
    (void)eventfd_write(listener->hurry.bell, 1);
}

bool stk_listener_hears(struct stk_listener *listener)
{
    return listener != NULL && atomic_load(&listener->hears);
}

void stk_listener_close(struct stk_listener *listener)
{
    if (listener == NULL) return;
    atomic_store(&listener->hurry.until, stk_clock_mono() + CLOSE_NS);
    atomic_store(&listener->stopping, true);
    (void)eventfd_write(listener->hurry.bell, 1);
    (void)pthread_join(listener->thread, NULL);
    release(listener);
}

/* --- without a thread ------------------------------------------------------------------ */

/* Nothing depends on it: who does not hear of it looks by himself. */
void stk_pg_tell(struct stk_store *store, unsigned hints)
{
    struct stk_pg *self = downcast(store);
    char payload[PAYLOAD_BYTES];
    if (hints == 0 || self->in_txn) return;
    (void)snprintf(payload, sizeof(payload), "%u", hints);
    stk_pg_arg_text(self, payload);
    enum stk_rc rc = stk_pg_run(self, STMT_NOTIFY, "say a hint", NULL, NULL);
    (void)rc;
}
