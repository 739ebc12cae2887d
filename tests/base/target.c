/* SPDX-License-Identifier: MIT */
#include "base/target.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

enum { SMALL = 4096, FLOOD_BYTES = 100 * 1024 };

struct target {
    int listen_fd;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    int fd; /* of the connection; for stop */
    bool is_ending;
    unsigned asked, connections;
    struct stk_buf last;
};

enum after { KEEP, CLOSE, HANG };

/* What is sent for a path; text "" is nothing. */
static const struct row {
    const char *path;
    const char *text;
    enum after after;
} rows[] = {
    { "/hello",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\nSet-Cookie: a=1\r\nset-cookie:   b=2  "
      "\r\n\r\nhello",
      KEEP },
    { "/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", KEEP },
    { "/broken", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait", KEEP },
    { "/nothing", "HTTP/1.1 204 No Content\r\n\r\n", KEEP },
    { "/chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Head: yes\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
      "0\r\nX-Trailer: no\r\n\r\n",
      KEEP },
    { "/continue",
      "HTTP/1.1 103 Early Hints\r\nX-Early: no\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: yes\r\n"
      "Content-Length: 0\r\n\r\n",
      KEEP },
    { "/until-close", "HTTP/1.1 200 OK\r\n\r\nto the end", CLOSE },
    { "/declared", "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nx", HANG },
    { "/short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", CLOSE },
    { "/hang", "", HANG },
    { "/close", "", CLOSE },
    { "/no-http", "220 smtp.example.org\r\n\r\n", CLOSE },
    { "/301", "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: ", KEEP },
    { "/302", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ", KEEP },
    { "/303", "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\nLocation: ", KEEP },
    { "/307", "HTTP/1.1 307 Temporary\r\nContent-Length: 0\r\nLocation: ", KEEP },
    { "/308", "HTTP/1.1 308 Permanent\r\nContent-Length: 0\r\nLocation: ", KEEP },
};

/* --- requests ------------------------------------------------------------ */

static size_t body_len(const char *head)
{
    const char *found = strcasestr(head, "\r\nContent-Length:");
    return found != NULL ? strtoul(found + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* The whole request; false: the connection has ended, or this is no HTTP. */
static bool read_request(int fd, struct stk_buf *ret)
{
    char room[SMALL];
    stk_buf_clear(ret);
    while (true) {
        const char *end = strstr(stk_buf_str(ret), "\r\n\r\n");
        if (end != NULL && ret->len >= (size_t)(end - ret->data) + 4 + body_len(ret->data)) {
            return true;
        }
        ssize_t count = recv(fd, room, sizeof room, 0);
        if (count <= 0 || (ret->len == 0 && room[0] == 0x16)) return false; /* TLS */
        stk_buf_add(ret, room, (size_t)count);
    }
}

static void note_request(struct target *target, struct stk_buf *request)
{
    (void)pthread_mutex_lock(&target->mutex);
    target->asked++;
    stk_buf_clear(&target->last);
    stk_buf_add(&target->last, request->data, request->len);
    (void)pthread_cond_broadcast(&target->news);
    (void)pthread_mutex_unlock(&target->mutex);
}

/* --- answers ------------------------------------------------------------- */

static void send_text(int fd, const char *text, size_t len)
{
    (void)send(fd, text, len, MSG_NOSIGNAL);
}

static void flood_headers(int fd)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_buf_adds(&out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    while (out.len < FLOOD_BYTES) {
        stk_buf_addf(&out, "X-Flood-%zu: %0500d\r\n", out.len, 0);
    }
    stk_buf_adds(&out, "\r\n");
    send_text(fd, out.data, out.len);
}

static void flood_body(int fd)
{
    static const char piece[SMALL];
    send_text(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
    while (send(fd, piece, sizeof piece, MSG_NOSIGNAL) > 0) {
    }
}

static void wait_for_close(int fd)
{
    char room[SMALL];
    while (recv(fd, room, sizeof room, 0) > 0) {
    }
}

/* False: the connection is at its end. `nth` request of it. */
static bool answer(int fd, const struct stk_buf *request, unsigned nth)
{
    char path[SMALL] = "";
    char query[SMALL] = "";
    (void)sscanf(request->data, "%*s %4095[^? ]?%4095[^ ]", path, query);
    if (strcmp(path, "/headers") == 0) flood_headers(fd);
    if (strcmp(path, "/flood") == 0) flood_body(fd);
    if (strcmp(path, "/once") == 0 && nth > 0) return false;
    if (strcmp(path, "/once") == 0) memcpy(path, "/hello", sizeof "/hello");

    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if (strcmp(row->path, path) != 0) continue;
        const char *end = strstr(row->text, "\r\n\r\n");
        bool has_body = end != NULL && strncmp(request->data, "HEAD ", 5) != 0;
        size_t len = has_body || end == NULL ? strlen(row->text) : (size_t)(end - row->text) + 4;
        send_text(fd, row->text, len);
        if (row->path[1] == '3') {
            STK_CLEANUP(stk_freep) char *rest = stk_format("%s\r\n\r\n", query);
            send_text(fd, rest, strlen(rest));
        }
        if (row->after == HANG) wait_for_close(fd);
        return row->after == KEEP;
    }
    return false;
}

static void converse(struct target *target, int fd)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf request = STK_BUF_INIT;
    for (unsigned nth = 0; read_request(fd, &request); nth++) {
        note_request(target, &request);
        if (!answer(fd, &request, nth)) return;
    }
}

static bool take_connection(struct target *target, int fd)
{
    (void)pthread_mutex_lock(&target->mutex);
    target->fd = fd;
    if (fd >= 0) target->connections++;
    bool is_ending = target->is_ending;
    (void)pthread_mutex_unlock(&target->mutex);
    return !is_ending;
}

static void *serve(void *context)
{
    struct target *target = context;
    while (true) {
        int fd = accept4(target->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL; /* stop has shut it */
        bool goes_on = take_connection(target, fd);
        if (goes_on) converse(target, fd);
        goes_on = take_connection(target, -1) && goes_on;
        (void)close(fd);
        if (!goes_on) return NULL;
    }
}

/* --- life ---------------------------------------------------------------- */

struct target *target_start(void)
{
    struct target *target = stk_alloc(sizeof *target);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    target->fd = -1;
    target->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)pthread_mutex_init(&target->mutex, NULL);
    (void)pthread_cond_init(&target->news, NULL);
    if (bind(target->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(target->listen_fd, 8) != 0 ||
        getsockname(target->listen_fd, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&target->thread, NULL, serve, target) != 0) {
        perror("target");
        abort();
    }
    target->port = ntohs(address.sin_port);
    return target;
}

void target_stop(struct target *target)
{
    (void)pthread_mutex_lock(&target->mutex);
    target->is_ending = true;
    if (target->fd >= 0) (void)shutdown(target->fd, SHUT_RDWR);
    (void)shutdown(target->listen_fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&target->mutex);
    (void)pthread_join(target->thread, NULL);

    (void)close(target->listen_fd);
    (void)pthread_cond_destroy(&target->news);
    (void)pthread_mutex_destroy(&target->mutex);
    stk_buf_release(&target->last);
    free(target);
}

unsigned target_port(const struct target *target)
{
    return target->port;
}

void target_wait_asked(struct target *target, unsigned count)
{
    (void)pthread_mutex_lock(&target->mutex);
    while (target->asked < count) {
        (void)pthread_cond_wait(&target->news, &target->mutex);
    }
    (void)pthread_mutex_unlock(&target->mutex);
}

unsigned target_asked(struct target *target)
{
    (void)pthread_mutex_lock(&target->mutex);
    unsigned asked = target->asked;
    (void)pthread_mutex_unlock(&target->mutex);
    return asked;
}

unsigned target_connections(struct target *target)
{
    (void)pthread_mutex_lock(&target->mutex);
    unsigned connections = target->connections;
    (void)pthread_mutex_unlock(&target->mutex);
    return connections;
}

char *target_last(struct target *target)
{
    (void)pthread_mutex_lock(&target->mutex);
    char *last = stk_strdup(stk_buf_str(&target->last));
    (void)pthread_mutex_unlock(&target->mutex);
    return last;
}
