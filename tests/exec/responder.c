/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "exec/responder.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { ANSWERS_MAX = 64, DEADLINE_S = 30 };

struct responder {
    int listener, client;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *answers[ANSWERS_MAX];
    unsigned added, asked;
    struct stk_buf last;
    bool ends;
};

static size_t body_len(const char *head)
{
    const char *line = strcasestr(head, "content-length:");
    return line != NULL ? strtoul(line + strlen("content-length:"), NULL, 10) : 0;
}

/* One request whole; false: the client is gone. */
static bool read_request(int client, struct stk_buf *ret)
{
    stk_buf_clear(ret);
    for (;;) {
        char bytes[4096];
        const char *end = strstr(stk_buf_str(ret), "\r\n\r\n");
        if (end != NULL) {
            size_t head = (size_t)(end - stk_buf_str(ret)) + 4;
            if (ret->len >= head + body_len(stk_buf_str(ret))) return true;
        }
        ssize_t len = recv(client, bytes, sizeof bytes, 0);
        if (len <= 0) return false;
        stk_buf_add(ret, bytes, (size_t)len);
    }
}

static const char *note_request(struct responder *self, struct stk_buf *request)
{
    (void)pthread_mutex_lock(&self->lock);
    stk_buf_clear(&self->last);
    stk_buf_add(&self->last, request->data, request->len);
    const char *answer = self->asked < self->added ? self->answers[self->asked]
                                                   : "599 Nothing left in the script\r\n\r\n";
    self->asked++;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    return answer;
}

static bool send_answer(int client, const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_addf(&text, "HTTP/1.1 %.*s\r\n", (int)(body - answer), answer);
    if (strncmp(answer, "204", 3) != 0) {
        stk_buf_addf(&text, "Content-Length: %zu\r\n", strlen(body + 4));
    }
    stk_buf_addf(&text, "\r\n%s", body + 4);
    return send(client, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
}

static void serve(struct responder *self, int client)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf request = STK_BUF_INIT;
    while (read_request(client, &request)) {
        const char *answer = note_request(self, &request);
        if (strcmp(answer, RESPONDER_HANG_UP) == 0) return;
        if (strcmp(answer, RESPONDER_HOLD) == 0) {
            char byte = 0;
            (void)recv(client, &byte, 1, 0); /* until it is gone */
            return;
        }
        if (!send_answer(client, answer)) return;
    }
}

static void *responder_main(void *arg)
{
    struct responder *self = arg;
    for (;;) {
        int client = accept(self->listener, NULL, NULL);
        (void)pthread_mutex_lock(&self->lock);
        bool ends = self->ends || client < 0;
        self->client = client;
        (void)pthread_mutex_unlock(&self->lock);
        if (!ends) serve(self, client);
        (void)pthread_mutex_lock(&self->lock);
        self->client = -1;
        (void)pthread_mutex_unlock(&self->lock);
        if (client >= 0) (void)close(client);
        if (ends) return NULL;
    }
}

struct responder *responder_start(void)
{
    struct responder *self = stk_alloc(sizeof *self);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    self->client = -1;
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(self->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(self->listener, 8), 0);
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &len), 0);
    self->port = ntohs(address.sin_port);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->changed, NULL);
    assert_int_equal(pthread_create(&self->thread, NULL, responder_main, self), 0);
    return self;
}

void responder_stop(struct responder *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->ends = true;
    (void)shutdown(self->listener, SHUT_RDWR);
    if (self->client >= 0) (void)shutdown(self->client, SHUT_RDWR);
    (void)pthread_mutex_unlock(&self->lock);
    (void)pthread_join(self->thread, NULL);
    (void)close(self->listener);
    stk_buf_release(&self->last);
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->changed);
    free(self);
}

unsigned responder_port(const struct responder *self)
{
    return self->port;
}

void responder_add(struct responder *self, const char *answer)
{
    (void)pthread_mutex_lock(&self->lock);
    assert_true(self->added < ANSWERS_MAX);
    self->answers[self->added++] = answer;
    (void)pthread_mutex_unlock(&self->lock);
}

unsigned responder_asked(struct responder *self)
{
    (void)pthread_mutex_lock(&self->lock);
    unsigned asked = self->asked;
    (void)pthread_mutex_unlock(&self->lock);
    return asked;
}

void responder_wait_asked(struct responder *self, unsigned count)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&self->lock);
    int code = 0;
    while (self->asked < count && code == 0) {
        code = pthread_cond_timedwait(&self->changed, &self->lock, &deadline);
    }
    (void)pthread_mutex_unlock(&self->lock);
    assert_int_equal(code, 0);
}

char *responder_last(struct responder *self)
{
    (void)pthread_mutex_lock(&self->lock);
    char *last = stk_strdup(stk_buf_str(&self->last));
    (void)pthread_mutex_unlock(&self->lock);
    return last;
}
