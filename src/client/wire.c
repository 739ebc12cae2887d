/* SPDX-License-Identifier: MIT */
#include "client/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/text.h"

#define POLL_MAX STK_MINUTE

enum { RECEIVE_BYTES = 16 * 1024, LINE_BYTES_MAX = 8 * 1024, HEADERS_MAX = 64 };

bool stk_wire_is_idle(const struct stk_wire *wire)
{
    char byte = 0;
    if (wire->fd < 0) return false;
    ssize_t count = recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void stk_wire_release(struct stk_wire *wire)
{
    if (wire->fd >= 0) (void)close(wire->fd);
    wire->fd = -1;
    stk_buf_release(&wire->in_);
    wire->taken_ = 0;
}

static enum stk_rc fail_gone(int cause, struct stk_error *err)
{
    return stk_fail(err, STK_UNAVAILABLE, "%s", strerror(cause));
}

static enum stk_rc fail_http(const char *what, struct stk_error *err)
{
    return stk_fail(err, STK_INTERNAL, "%s", what);
}

static enum stk_rc wait_for(const struct stk_wire *wire, short events, short *ret_events,
                            struct stk_error *err)
{
    struct pollfd one = { .fd = wire->fd, .events = events };
    while (true) {
        stk_time_ns left = wire->deadline - stk_clock_mono();
        if (left <= 0) return stk_fail(err, STK_TIMEOUT, "it took too long");
        if (left > POLL_MAX) left = POLL_MAX;

        int count = poll(&one, 1, (int)(left / STK_MS) + 1);
        if (count < 0 && errno != EINTR) return fail_gone(errno, err);
        if (count <= 0) continue;
        *ret_events = one.revents;
        return STK_OK;
    }
}

/* --- sending ------------------------------------------------------------- */

/* Everything, or until the other side begins to answer: it refuses a large body
 * by its head and reads no more. *ret_whole: all is gone. */
static enum stk_rc send_all(struct stk_wire *wire, const struct stk_buf *bytes, bool *ret_whole,
                            struct stk_error *err)
{
    size_t done = 0;
    while (done < bytes->len) {
        ssize_t count =
            send(wire->fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            done += (size_t)count;
            continue;
        }
        if (errno == EINTR) continue;
        bool is_full = errno == EAGAIN || errno == EWOULDBLOCK;
        bool is_shut = errno == EPIPE || errno == ECONNRESET; /* perhaps behind an answer */
        if (!is_full && !is_shut) return fail_gone(errno, err);
        *ret_whole = false;
        if (is_shut) return STK_OK;

        short events = 0;
        enum stk_rc rc = wait_for(wire, POLLOUT | POLLIN, &events, err);
        if (rc != STK_OK || (events & POLLOUT) == 0) return rc;
    }
    *ret_whole = true;
    return STK_OK;
}

static void add_head(struct stk_buf *out, const char *method, const char *path,
                     const struct stk_wire *wire, const struct stk_buf *body)
{
    size_t len = body != NULL ? body->len : 0;
    stk_buf_addf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path);
    if (body != NULL) stk_buf_adds(out, "Content-Type: application/json\r\n");
    if (body != NULL || strcmp(method, "POST") == 0) {
        stk_buf_addf(out, "Content-Length: %zu\r\n", len);
    }
    if (wire->authorization != NULL) {
        stk_buf_addf(out, "Authorization: %s\r\n", stk_secret_bytes(wire->authorization));
    }
    if (wire->code != NULL) stk_buf_addf(out, STK_CODE_HEADER ": %s\r\n", wire->code);
    stk_buf_adds(out, "\r\n");
}

static enum stk_rc send_request(struct stk_wire *wire, const char *method, const char *path,
                                const struct stk_buf *body, bool *ret_whole, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf head = STK_BUF_INIT;
    add_head(&head, method, path, wire, body);
    enum stk_rc rc = send_all(wire, &head, ret_whole, err);
    if (rc == STK_OK && *ret_whole && body != NULL) rc = send_all(wire, body, ret_whole, err);
    return rc;
}

/* --- receiving ----------------------------------------------------------- */

static size_t left_in(const struct stk_wire *wire)
{
    return wire->in_.len - wire->taken_;
}

/* What has come since. *ret_end: nothing more will. */
static enum stk_rc receive(struct stk_wire *wire, bool *ret_end, struct stk_error *err)
{
    stk_buf_drop_front(&wire->in_, wire->taken_);
    wire->taken_ = 0;
    stk_buf_reserve(&wire->in_, RECEIVE_BYTES);
    while (true) {
        ssize_t count = recv(wire->fd, wire->in_.data + wire->in_.len, RECEIVE_BYTES, MSG_DONTWAIT);
        if (count >= 0) {
            wire->in_.len += (size_t)count;
            wire->in_.data[wire->in_.len] = '\0';
            *ret_end = count == 0;
            return STK_OK;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_gone(errno, err);
        short events = 0;
        enum stk_rc rc = wait_for(wire, POLLIN, &events, err);
        if (rc != STK_OK) return rc;
    }
}

static enum stk_rc receive_more(struct stk_wire *wire, struct stk_error *err)
{
    bool is_end = false;
    enum stk_rc rc = receive(wire, &is_end, err);
    if (rc == STK_OK && is_end) rc = stk_fail(err, STK_UNAVAILABLE, "the connection was closed");
    return rc;
}

/* The next line, without its end; good until the next call. */
static enum stk_rc take_line(struct stk_wire *wire, char **ret, struct stk_error *err)
{
    while (true) {
        size_t len = left_in(wire);
        char *line = len > 0 ? wire->in_.data + wire->taken_ : NULL;
        char *feed = line != NULL ? memchr(line, '\n', len) : NULL;
        if (feed != NULL) {
            wire->taken_ += (size_t)(feed - line) + 1;
            if (feed == line || feed[-1] != '\r' || memchr(line, '\0', (size_t)(feed - line))) {
                return fail_http("a line of its head does not end with CR LF", err);
            }
            feed[-1] = '\0';
            *ret = line;
            return STK_OK;
        }
        if (len > LINE_BYTES_MAX) return fail_http("a line of its head is too long", err);
        enum stk_rc rc = receive_more(wire, err);
        if (rc != STK_OK) return rc;
    }
}

static enum stk_rc fail_large(const struct stk_wire *wire, struct stk_error *err)
{
    return stk_fail(err, STK_TOO_LARGE, "it is over %zu bytes", wire->answer_bytes_max);
}

static enum stk_rc take_bytes(struct stk_wire *wire, size_t count, struct stk_buf *body,
                              struct stk_error *err)
{
    if (count > wire->answer_bytes_max - body->len) return fail_large(wire, err);
    while (count > 0) {
        size_t len = left_in(wire);
        if (len == 0) {
            enum stk_rc rc = receive_more(wire, err);
            if (rc != STK_OK) return rc;
            continue;
        }
        if (len > count) len = count;
        stk_buf_add(body, wire->in_.data + wire->taken_, len);
        wire->taken_ += len;
        count -= len;
    }
    return STK_OK;
}

/* --- the answer ---------------------------------------------------------- */

enum body_kind { BODY_TO_END, BODY_LENGTH, BODY_CHUNKS };

struct head {
    enum body_kind kind;
    size_t length;
};

/* "HTTP/1.1 200 OK". */
static enum stk_rc read_status(const char *line, struct stk_answer *answer, struct stk_error *err)
{
    bool is_1_1 = strncmp(line, "HTTP/1.1 ", 9) == 0;
    if (!is_1_1 && strncmp(line, "HTTP/1.0 ", 9) != 0) return fail_http("it is no HTTP", err);
    const char *digits = line + 9;
    if (strspn(digits, "0123456789") != 3 || (digits[3] != ' ' && digits[3] != '\0')) {
        return fail_http("its status is no number of three digits", err);
    }
    answer->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    answer->is_last = !is_1_1;
    return STK_OK;
}

/* The value of "Name: value", when it is that name. */
static const char *value_of(const char *line, const char *name)
{
    size_t len = strlen(name);
    if (strncasecmp(line, name, len) != 0 || line[len] != ':') return NULL;
    return line + len + 1 + strspn(line + len + 1, " \t");
}

static enum stk_rc read_header(const char *line, struct head *head, struct stk_answer *answer,
                               struct stk_error *err)
{
    const char *length = value_of(line, "Content-Length");
    const char *coding = value_of(line, "Transfer-Encoding");
    const char *connection = value_of(line, "Connection");
    int64_t number = 0;

    if (connection != NULL && strcasecmp(connection, "close") == 0) answer->is_last = true;
    if (length == NULL && coding == NULL) return STK_OK;
    if (head->kind != BODY_TO_END) return fail_http("it says twice how long it is", err);
    if (coding != NULL && strcasecmp(coding, "chunked") != 0) {
        return fail_http("it has a transfer coding that is not known", err);
    }
    if (length != NULL && (!stk_parse_i64(length, &number) || number < 0)) {
        return fail_http("its length is no number", err);
    }
    head->kind = length != NULL ? BODY_LENGTH : BODY_CHUNKS;
    head->length = (size_t)number;
    return STK_OK;
}

static enum stk_rc take_head(struct stk_wire *wire, struct head *head, struct stk_answer *answer,
                             struct stk_error *err)
{
    char *line = NULL;
    enum stk_rc rc = take_line(wire, &line, err);
    if (rc == STK_OK) rc = read_status(line, answer, err);
    *head = (struct head){ .kind = BODY_TO_END };
    for (size_t i = 0; rc == STK_OK; i++) {
        rc = take_line(wire, &line, err);
        if (rc == STK_OK && *line == '\0') return STK_OK;
        if (rc == STK_OK && i >= HEADERS_MAX) rc = fail_http("it has too many headers", err);
        if (rc == STK_OK) rc = read_header(line, head, answer, err);
    }
    return rc;
}

static bool read_chunk_size(const char *line, size_t *ret)
{
    size_t size = 0;
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8 || (line[digits] != '\0' && line[digits] != ';')) return false;
    for (size_t i = 0; i < digits; i++) {
        char c = line[i];
        size = size * 16 + (size_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *ret = size;
    return true;
}

static enum stk_rc take_chunks(struct stk_wire *wire, struct stk_buf *body, struct stk_error *err)
{
    char *line = NULL;
    size_t size = 0;
    while (true) {
        enum stk_rc rc = take_line(wire, &line, err);
        if (rc != STK_OK) return rc;
        if (!read_chunk_size(line, &size)) return fail_http("a chunk has no size", err);
        if (size == 0) break;
        rc = take_bytes(wire, size, body, err);
        if (rc == STK_OK) rc = take_line(wire, &line, err);
        if (rc != STK_OK) return rc;
        if (*line != '\0') return fail_http("a chunk is longer than it says", err);
    }

    for (size_t i = 0; i < HEADERS_MAX; i++) {
        enum stk_rc rc = take_line(wire, &line, err);
        if (rc != STK_OK || *line == '\0') return rc;
    }
    return fail_http("it has too many trailers", err);
}

static enum stk_rc take_to_end(struct stk_wire *wire, struct stk_buf *body, struct stk_error *err)
{
    bool is_end = false;
    while (!is_end) {
        enum stk_rc rc = take_bytes(wire, left_in(wire), body, err);
        if (rc == STK_OK) rc = receive(wire, &is_end, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc take_answer(struct stk_wire *wire, struct stk_answer *answer,
                               struct stk_error *err)
{
    struct head head;
    enum stk_rc rc = receive_more(wire, err);
    if (rc != STK_OK) return rc;

    answer->is_begun = true;
    do { /* "100 Continue" is none of ours, but no harm either */
        rc = take_head(wire, &head, answer, err);
    } while (rc == STK_OK && answer->status < 200);
    if (rc != STK_OK) return rc;

    switch (head.kind) {
    case BODY_LENGTH: return take_bytes(wire, head.length, &answer->body, err);
    case BODY_CHUNKS: return take_chunks(wire, &answer->body, err);
    case BODY_TO_END: break;
    }
    answer->is_last = true;
    return take_to_end(wire, &answer->body, err);
}

enum stk_rc stk_wire_ask(struct stk_wire *wire, const char *method, const char *path,
                         const struct stk_buf *body, struct stk_answer *answer,
                         struct stk_error *err)
{
    bool is_whole = false;
    answer->is_begun = false;
    answer->is_last = false;
    stk_buf_clear(&answer->body);

    enum stk_rc rc = send_request(wire, method, path, body, &is_whole, err);
    if (rc == STK_OK) rc = take_answer(wire, answer, err);
    if (rc != STK_OK || !is_whole || left_in(wire) > 0) answer->is_last = true;
    return rc;
}
