/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/peer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "server/exchange.h"
#include "server/listen.h"
#include "server/mhd.h"

enum {
    CONNECTIONS_MAX = 128,
    STACK_BYTES = 256 * 1024,
    HEADER_BYTES_MAX = 64 * 1024, /* of a connection: request line, headers, a piece of the body */
    IDLE_S_MAX = 120,             /* a waiting call is not idle: it runs in its handler */
    STOP_WAIT_S = 10,             /* how long a stop waits for requests under way */
};

struct stk_server {
    struct stk_api api; /* with our `ending` */
    atomic_bool ending;
    char *socket_path;
    int listen_fd;
    struct MHD_Daemon *daemon;

    pthread_mutex_t mutex;
    pthread_cond_t idle;
    unsigned busy; /* requests between their end and that of their answer */
};

/* --- requests under way -------------------------------------------------- */

/* First counted, then looked at `ending`: either the stop sees us, or we it. */
static void count_in(struct stk_server *server, struct stk_exchange *exchange)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->busy++;
    (void)pthread_mutex_unlock(&server->mutex);
    *stk_exchange_counted(exchange) = true;
}

static void count_out(struct stk_server *server, struct stk_exchange *exchange)
{
    if (!*stk_exchange_counted(exchange)) return;
    (void)pthread_mutex_lock(&server->mutex);
    if (--server->busy == 0) (void)pthread_cond_broadcast(&server->idle);
    (void)pthread_mutex_unlock(&server->mutex);
}

static void wait_idle(struct stk_server *server)
{
    struct timespec until = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_WAIT_S;

    (void)pthread_mutex_lock(&server->mutex);
    int rc = 0;
    while (server->busy > 0 && rc == 0) {
        rc = pthread_cond_timedwait(&server->idle, &server->mutex, &until);
    }
    unsigned busy = server->busy;
    (void)pthread_mutex_unlock(&server->mutex);
    if (busy > 0) stk_log(STK_WARN, "server.stop", "cut_off=%u", busy);
}

/* --- what libmicrohttpd calls -------------------------------------------- */

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    return stk_exchange_begin(uri);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **request)
{
    struct stk_server *server = context;
    struct stk_exchange *exchange = *request;
    (void)url; /* decoded already: "%2F" in a name could not be told from "/" */
    (void)version;

    if (!stk_exchange_is_admitted(exchange)) {
        (void)stk_exchange_admit(exchange, connection, method);
        return MHD_YES;
    }
    if (*upload_len > 0) {
        stk_exchange_take(exchange, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }

    count_in(server, exchange);
    if (atomic_load(&server->ending)) {
        struct stk_error why = { .rc = STK_OK };
        (void)stk_fail(&why, STK_UNAVAILABLE, "the pool is stopping");
        return stk_exchange_refuse(connection, &why);
    }
    const union MHD_ConnectionInfo *info =
        stk_mhd()->get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct stk_visitor *visitor = info != NULL ? info->socket_context : NULL;
    return stk_exchange_answer(exchange, connection, method, &server->api, visitor);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct stk_exchange *exchange = *request;
    (void)connection;
    (void)code;
    if (exchange == NULL) return;
    count_out(context, exchange);
    stk_exchange_free(exchange);
    *request = NULL;
}

/* Who is at the other end is asked once a connection. */
static void on_connection(void *context, struct MHD_Connection *connection, void **context_of,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*context_of);
        *context_of = NULL;
        return;
    }

    const union MHD_ConnectionInfo *info =
        stk_mhd()->get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (info == NULL) return;
    if (getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return;
    struct stk_visitor *visitor = stk_alloc(sizeof(*visitor));
    stk_peer_name(peer.uid, visitor->actor);
    *context_of = visitor;
}

/* --- life ---------------------------------------------------------------- */

static void free_server(struct stk_server *server)
{
    if (server->listen_fd >= 0) (void)close(server->listen_fd);
    (void)pthread_cond_destroy(&server->idle);
    (void)pthread_mutex_destroy(&server->mutex);
    stk_freep(&server->socket_path);
    free(server);
}

static struct stk_server *make_server(const struct stk_api *api, const char *socket_path)
{
    struct stk_server *server = stk_alloc(sizeof *server);
    server->api = *api;
    server->api.ending = &server->ending;
    server->socket_path = stk_strdup(socket_path);
    server->listen_fd = -1;
    (void)pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&server->idle, &attr);
    (void)pthread_condattr_destroy(&attr);
    return server;
}

static struct MHD_Daemon *start_daemon(struct stk_server *server)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC;
    /* clang-format off */
    return stk_mhd()->start_daemon(flags, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET,           server->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT,        (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT,      (unsigned)IDLE_S_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES_MAX,
        MHD_OPTION_THREAD_STACK_SIZE,       (size_t)STACK_BYTES,
        MHD_OPTION_URI_LOG_CALLBACK,        on_uri, server,
        MHD_OPTION_NOTIFY_COMPLETED,        on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION,       on_connection, server,
        MHD_OPTION_END);
    /* clang-format on */
}

enum stk_rc stk_server_start(const struct stk_api *api, const char *socket_path,
                             struct stk_server **ret, struct stk_error *err)
{
    enum stk_rc rc = stk_mhd_load(err);
    if (rc != STK_OK) return rc;

    struct stk_server *server = make_server(api, socket_path);
    rc = stk_listen_open(socket_path, &server->listen_fd, err);
    if (rc != STK_OK) {
        free_server(server);
        return rc;
    }
    server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        (void)unlink(socket_path); /* ours; the next start would replace it too */
        free_server(server);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the server on %s", socket_path);
    }

    stk_log(STK_INFO, "server.start", "socket=%s", socket_path);
    *ret = server;
    return STK_OK;
}

/* The name goes first: who looks for us now finds nobody, and waits. Then those
 * that are being answered are let finish, the long polls among them at once. */
void stk_server_stop(struct stk_server *server)
{
    if (server == NULL) return;
    (void)unlink(server->socket_path);
    (void)stk_mhd()->quiesce_daemon(server->daemon);

    atomic_store(&server->ending, true);
    if (server->api.pool != NULL && stk_pool_consoles(server->api.pool) != NULL) {
        stk_consoles_wake(stk_pool_consoles(server->api.pool));
    }
    wait_idle(server);

    stk_mhd()->stop_daemon(server->daemon);
    stk_log(STK_INFO, "server.stop", "socket=%s", server->socket_path);
    free_server(server);
}
