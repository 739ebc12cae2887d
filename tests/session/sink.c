/* SPDX-License-Identifier: MIT */
#include "session/sink.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { REQUESTS_MAX = 256, DEADLINE_S = 20 };

struct sink {
    int listen_fd;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    int fd; /* of the connection; for stop */
    bool is_ending;
    int status;
    char *requests[REQUESTS_MAX];
    size_t count;
};

/* --- its thread ------------------------------------------------------------- */

static size_t body_len(const char *head)
{
    const char *found = strcasestr(head, "\r\nContent-Length:");
    return found != NULL ? strtoul(found + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static bool read_request(int fd, struct stk_buf *request)
{
    char room[4096];
    for (;;) {
        const char *end = strstr(stk_buf_str(request), "\r\n\r\n");
        size_t head = end != NULL ? (size_t)(end - request->data) + 4 : 0;
        if (end != NULL && request->len >= head + body_len(request->data)) return true;
        ssize_t got = recv(fd, room, sizeof room, 0);
        if (got <= 0) return false;
        stk_buf_add(request, room, (size_t)got);
    }
}

static int note(struct sink *sink, struct stk_buf *request)
{
    (void)pthread_mutex_lock(&sink->lock);
    if (sink->count < REQUESTS_MAX) sink->requests[sink->count++] = stk_buf_take(request);
    int status = sink->status;
    (void)pthread_cond_broadcast(&sink->news);
    (void)pthread_mutex_unlock(&sink->lock);
    return status;
}

static void wait_for_end_of(int fd)
{
    char room[64];
    while (recv(fd, room, sizeof room, 0) > 0) {
    }
}

static void serve_one(struct sink *sink, int fd)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf request = STK_BUF_INIT;
    if (!read_request(fd, &request)) return;
    int status = note(sink, &request);
    if (status == 0) {
        wait_for_end_of(fd);
        return;
    }
    STK_CLEANUP(stk_freep)
    char *answer =
        stk_format("HTTP/1.1 %d Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static bool set_fd(struct sink *sink, int fd)
{
    (void)pthread_mutex_lock(&sink->lock);
    bool is_ending = sink->is_ending;
    sink->fd = fd;
    (void)pthread_mutex_unlock(&sink->lock);
    return !is_ending;
}

static void *serve(void *context)
{
    struct sink *sink = context;
    for (;;) {
        int fd = accept4(sink->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL;
        if (set_fd(sink, fd)) serve_one(sink, fd);
        (void)set_fd(sink, -1);
        (void)close(fd);
    }
}

/* --- the test's side -------------------------------------------------------- */

struct sink *sink_start(void)
{
    struct sink *sink = stk_alloc(sizeof(*sink));
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    sink->fd = -1;
    sink->status = 204;
    sink->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(sink->listen_fd, (struct sockaddr *)&address, len) != 0) abort();
    if (listen(sink->listen_fd, 16) != 0) abort();
    if (getsockname(sink->listen_fd, (struct sockaddr *)&address, &len) != 0) abort();
    sink->port = ntohs(address.sin_port);
    (void)pthread_mutex_init(&sink->lock, NULL);
    (void)pthread_cond_init(&sink->news, NULL);
    if (pthread_create(&sink->thread, NULL, serve, sink) != 0) abort();
    return sink;
}

void sink_stop(struct sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->is_ending = true;
    if (sink->fd >= 0) (void)shutdown(sink->fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&sink->lock);
    (void)shutdown(sink->listen_fd, SHUT_RDWR);
    (void)pthread_join(sink->thread, NULL);
    (void)close(sink->listen_fd);
    for (size_t i = 0; i < sink->count; i++) {
        free(sink->requests[i]);
    }
    (void)pthread_cond_destroy(&sink->news);
    (void)pthread_mutex_destroy(&sink->lock);
    free(sink);
}

unsigned sink_port(const struct sink *sink)
{
    return sink->port;
}

void sink_answers(struct sink *sink, int status)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->status = status;
    (void)pthread_mutex_unlock(&sink->lock);
}

bool sink_wait(struct sink *sink, size_t count)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += DEADLINE_S;
    int code = 0;
    (void)pthread_mutex_lock(&sink->lock);
    while (sink->count < count && code == 0) {
        code = pthread_cond_timedwait(&sink->news, &sink->lock, &end);
    }
    bool is_there = sink->count >= count;
    (void)pthread_mutex_unlock(&sink->lock);
    return is_there;
}

size_t sink_count(struct sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    size_t count = sink->count;
    (void)pthread_mutex_unlock(&sink->lock);
    return count;
}

char *sink_last(struct sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    char *last = stk_strdup(sink->count > 0 ? sink->requests[sink->count - 1] : "");
    (void)pthread_mutex_unlock(&sink->lock);
    return last;
}

size_t sink_with(struct sink *sink, const char *text)
{
    size_t found = 0;
    (void)pthread_mutex_lock(&sink->lock);
    for (size_t i = 0; i < sink->count; i++) {
        found += strstr(sink->requests[i], text) != NULL;
    }
    (void)pthread_mutex_unlock(&sink->lock);
    return found;
}
