/* SPDX-License-Identifier: MIT */
#include "responder.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { SCRIPT_MAX = 64, READ_BYTES = 4096, AWAIT_S = 20 };

struct responder {
    int listen_fd;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    char *script[SCRIPT_MAX];
    unsigned said, used;
    char *requests[SCRIPT_MAX];
    unsigned asked;
};

/* --- one request ---------------------------------------------------------- */

static size_t body_len(const char *head)
{
    const char *at = strcasestr(head, "content-length:");
    return at != NULL ? (size_t)strtoul(at + strlen("content-length:"), NULL, 10) : 0;
}

static bool read_request(int fd, struct stk_buf *ret)
{
    char room[READ_BYTES];
    while (true) {
        const char *end = strstr(stk_buf_str(ret), "\r\n\r\n");
        if (end != NULL && ret->len >= (size_t)(end - ret->data) + 4 + body_len(ret->data)) {
            return true;
        }
        ssize_t got = recv(fd, room, sizeof(room), 0);
        if (got <= 0) return false;
        stk_buf_add(ret, room, (size_t)got);
    }
}

static void await_end(int fd)
{
    char room[READ_BYTES];
    while (recv(fd, room, sizeof(room), 0) > 0) {
    }
}

static void send_answer(int fd, const char *answer)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    const char *headers = strchr(answer, '|') + 1;
    const char *body = strchr(headers, '|') + 1;
    stk_buf_addf(&buf, "HTTP/1.1 %.*s Said\r\nConnection: close\r\nContent-Length: %zu\r\n",
                 (int)(headers - answer - 1), answer, strlen(body));
    for (const char *c = headers; c + 1 < body; c++) {
        if (*c == '\n') stk_buf_addc(&buf, '\r');
        stk_buf_addc(&buf, *c);
    }
    stk_buf_adds(&buf, headers + 1 < body ? "\r\n\r\n" : "\r\n");
    stk_buf_adds(&buf, body);
    size_t sent = 0;
    while (sent < buf.len) {
        ssize_t put = send(fd, buf.data + sent, buf.len - sent, MSG_NOSIGNAL);
        if (put <= 0) return;
        sent += (size_t)put;
    }
}

static char *note_request(struct responder *self, struct stk_buf *request)
{
    (void)pthread_mutex_lock(&self->lock);
    char *answer = self->used < self->said ? stk_strdup(self->script[self->used++]) : NULL;
    if (self->asked < SCRIPT_MAX) self->requests[self->asked++] = stk_buf_take(request);
    (void)pthread_cond_broadcast(&self->news);
    (void)pthread_mutex_unlock(&self->lock);
    return answer;
}

static void serve(struct responder *self, int fd)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf request = STK_BUF_INIT;
    if (!read_request(fd, &request)) return;
    STK_CLEANUP(stk_freep) char *answer = note_request(self, &request);
    if (answer == NULL || strcmp(answer, "!close") == 0) return;
    if (strcmp(answer, "!hang") == 0) {
        await_end(fd);
    } else {
        send_answer(fd, answer);
    }
}

static void *responder_main(void *arg)
{
    struct responder *self = arg;
    int fd = -1;
    while ((fd = accept(self->listen_fd, NULL, NULL)) >= 0) {
        serve(self, fd);
        (void)close(fd);
    }
    return NULL;
}

/* --- for the tests -------------------------------------------------------- */

struct responder *responder_start(void)
{
    struct responder *self = stk_alloc(sizeof(*self));
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    self->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(self->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(self->listen_fd, 16) != 0 ||
        getsockname(self->listen_fd, (struct sockaddr *)&address, &len) != 0) {
        abort();
    }
    self->port = ntohs(address.sin_port);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->news, NULL);
    if (pthread_create(&self->thread, NULL, responder_main, self) != 0) abort();
    return self;
}

void responder_stop(struct responder *self)
{
    (void)shutdown(self->listen_fd, SHUT_RDWR);
    (void)pthread_join(self->thread, NULL);
    (void)close(self->listen_fd);
    for (unsigned i = 0; i < SCRIPT_MAX; i++) {
        free(self->script[i]);
        free(self->requests[i]);
    }
    (void)pthread_cond_destroy(&self->news);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

unsigned responder_port(const struct responder *self)
{
    return self->port;
}

void responder_say(struct responder *self, const char *answer)
{
    (void)pthread_mutex_lock(&self->lock);
    if (self->said == SCRIPT_MAX) abort();
    self->script[self->said++] = stk_strdup(answer);
    (void)pthread_mutex_unlock(&self->lock);
}

unsigned responder_asked(struct responder *self)
{
    (void)pthread_mutex_lock(&self->lock);
    unsigned asked = self->asked;
    (void)pthread_mutex_unlock(&self->lock);
    return asked;
}

void responder_await(struct responder *self, unsigned asked)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += AWAIT_S;
    (void)pthread_mutex_lock(&self->lock);
    while (self->asked < asked) {
        if (pthread_cond_timedwait(&self->news, &self->lock, &end) != 0) abort();
    }
    (void)pthread_mutex_unlock(&self->lock);
}

char *responder_request(struct responder *self, unsigned number)
{
    (void)pthread_mutex_lock(&self->lock);
    char *request = stk_strdup(number < self->asked ? self->requests[number] : "");
    (void)pthread_mutex_unlock(&self->lock);
    return request;
}
