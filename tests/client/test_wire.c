/* SPDX-License-Identifier: MIT
 *
 * The other side is a thread that sends what the case says, whole or byte by
 * byte, and closes or waits.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/wire.h"

struct side {
    int fd;
    const char *text;
    bool bytewise;
    bool waits; /* for us to close, instead of closing itself */
    bool reads; /* the request up to its end by Content-Length 0 or none */
    size_t body_len;
    struct stk_buf got;
};

static void read_request(struct side *side)
{
    char room[4096];
    while (true) {
        const char *end = strstr(stk_buf_str(&side->got), "\r\n\r\n");
        if (end != NULL && side->got.len == (size_t)(end - side->got.data) + 4 + side->body_len) {
            return;
        }
        ssize_t count = recv(side->fd, room, sizeof room, 0);
        if (count <= 0) return;
        stk_buf_add(&side->got, room, (size_t)count);
    }
}

static void *play(void *context)
{
    struct side *side = context;
    size_t len = strlen(side->text);
    size_t step = side->bytewise ? 1 : len;
    if (side->reads) read_request(side);
    for (size_t i = 0; i < len; i += step) {
        (void)send(side->fd, side->text + i, step, MSG_NOSIGNAL);
    }
    char byte = 0;
    while (side->waits && recv(side->fd, &byte, 1, 0) > 0) {
    }
    (void)close(side->fd);
    return NULL;
}

static enum stk_rc ask(struct side *side, struct stk_wire *wire, const struct stk_buf *body,
                       struct stk_answer *answer, struct stk_error *err)
{
    int pair[2];
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    wire->fd = pair[0];
    side->fd = pair[1];
    if (wire->deadline == 0) wire->deadline = stk_clock_mono() + 20 * STK_SECOND;
    if (wire->answer_bytes_max == 0) wire->answer_bytes_max = 1000;

    assert_int_equal(pthread_create(&thread, NULL, play, side), 0);
    enum stk_rc rc = stk_wire_ask(wire, body != NULL ? "POST" : "GET", "/x", body, answer, err);
    if (rc != STK_OK || answer->is_last) stk_wire_release(wire);
    if (wire->fd >= 0 && !side->bytewise) assert_true(stk_wire_is_idle(wire));
    stk_wire_release(wire);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return rc;
}

static void answers__are_read_however_they_come(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int status;
        const char *body;
        bool is_last;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false },
        { "HTTP/1.1 404\r\ncontent-length:0\r\n\r\n", 404, "", false },
        { "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", 200, "x", true },
        { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", true },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nx", 503, "x",
          false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
          "0\r\nTrailer: 1\r\n\r\n",
          200, "abc0123456789", false },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", 200, "x", true },
    };
    for (size_t i = 0; i < 2 * STK_ARRAY_LEN(rows); i++) {
        struct stk_wire wire = STK_WIRE_INIT;
        struct stk_answer answer = { .body = STK_BUF_INIT };
        struct stk_error err = { .rc = STK_OK };
        struct side side = {
            .text = rows[i / 2].text, .bytewise = i % 2 == 1, .waits = true, .reads = true
        };
        if (ask(&side, &wire, NULL, &answer, &err) != STK_OK) fail_msg("%zu: %s", i, err.text);
        assert_int_equal(answer.status, rows[i / 2].status);
        assert_string_equal(stk_buf_str(&answer.body), rows[i / 2].body);
        if (!side.bytewise) assert_int_equal(answer.is_last, rows[i / 2].is_last);
        assert_string_equal(stk_buf_str(&side.got), "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stk_buf_release(&answer.body);
        stk_buf_release(&side.got);
    }
}

static void answers__without_a_length_end_with_the_connection(void **unused)
{
    (void)unused;
    struct stk_wire wire = STK_WIRE_INIT;
    struct stk_answer answer = { .body = STK_BUF_INIT };
    struct side side = { .text = "HTTP/1.1 200 OK\r\n\r\nto the end", .reads = true };
    assert_int_equal(ask(&side, &wire, NULL, &answer, NULL), STK_OK);
    assert_string_equal(stk_buf_str(&answer.body), "to the end");
    assert_true(answer.is_last);
    stk_buf_release(&answer.body);
    stk_buf_release(&side.got);
}

static void answers__that_are_no_http_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        enum stk_rc rc;
        const char *sentence;
    } rows[] = {
        { "", STK_UNAVAILABLE, "the connection was closed" },
        { "HTTP/1.1 200 OK\r\nContent-Len", STK_UNAVAILABLE, "the connection was closed" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", STK_UNAVAILABLE,
          "the connection was closed" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", STK_UNAVAILABLE,
          "the connection was closed" },
        { "220 smtp\r\n", STK_INTERNAL, "it is no HTTP" },
        { "HTTP/2 200\r\n\r\n", STK_INTERNAL, "it is no HTTP" },
        { "HTTP/1.1 20 OK\r\n\r\n", STK_INTERNAL, "its status is no number of three digits" },
        { "HTTP/1.1 2000 OK\r\n\r\n", STK_INTERNAL, "its status is no number of three digits" },
        { "HTTP/1.1 200 OK\nContent-Length: 0\n\n", STK_INTERNAL,
          "a line of its head does not end with CR LF" },
        { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", STK_INTERNAL,
          "its length is no number" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", STK_INTERNAL,
          "its length is no number" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", STK_INTERNAL,
          "it says twice how long it is" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          STK_INTERNAL, "it says twice how long it is" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", STK_INTERNAL,
          "it has a transfer coding that is not known" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", STK_INTERNAL,
          "a chunk has no size" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", STK_INTERNAL,
          "a chunk is longer than it says" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", STK_TOO_LARGE,
          "it is over 1000 bytes" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", STK_TOO_LARGE,
          "it is over 1000 bytes" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        struct stk_wire wire = STK_WIRE_INIT;
        struct stk_answer answer = { .body = STK_BUF_INIT };
        struct stk_error err = { .rc = STK_OK };
        struct side side = { .text = rows[i].text, .reads = true };
        assert_int_equal(ask(&side, &wire, NULL, &answer, &err), rows[i].rc);
        assert_string_equal(err.text, rows[i].sentence);
        assert_int_equal(answer.is_begun, *rows[i].text != '\0');
        stk_buf_release(&answer.body);
        stk_buf_release(&side.got);
    }
}

static void heads__have_limits(void **unused)
{
    (void)unused;
    for (int many = 0; many < 2; many++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
        stk_buf_adds(&text, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 10000; i++) {
            stk_buf_adds(&text, many == 1 ? "A: 1\r\n" : "xxxxxx");
        }
        struct stk_wire wire = STK_WIRE_INIT;
        struct stk_answer answer = { .body = STK_BUF_INIT };
        struct stk_error err = { .rc = STK_OK };
        struct side side = { .text = stk_buf_str(&text), .reads = true };
        assert_int_equal(ask(&side, &wire, NULL, &answer, &err), STK_INTERNAL);
        assert_string_equal(err.text, many == 1 ? "it has too many headers"
                                                : "a line of its head is too long");
        stk_buf_release(&side.got);
    }
}

static void bodies__are_sent_with_their_length(void **unused)
{
    (void)unused;
    struct stk_wire wire = STK_WIRE_INIT;
    struct stk_answer answer = { .body = STK_BUF_INIT };
    STK_CLEANUP(stk_buf_release) struct stk_buf body = STK_BUF_INIT;
    for (int i = 0; i < 1000 * 1000; i++) {
        stk_buf_adds(&body, "{}");
    }
    struct side side = { .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                         .reads = true,
                         .waits = true,
                         .body_len = body.len };
    assert_int_equal(ask(&side, &wire, &body, &answer, NULL), STK_OK);
    assert_false(answer.is_last);
    static const char head[] = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/"
                               "json\r\nContent-Length: 2000000\r\n\r\n";
    assert_int_equal(side.got.len, sizeof head - 1 + body.len);
    assert_memory_equal(side.got.data, head, sizeof head - 1);
    stk_buf_release(&side.got);
}

/* A server that refuses by the head does not read the rest: its reason is what
 * counts, not the broken pipe. */
static void bodies__that_are_refused_half_way_bring_the_reason(void **unused)
{
    (void)unused;
    for (int waits = 0; waits < 2; waits++) {
        struct stk_wire wire = STK_WIRE_INIT;
        struct stk_answer answer = { .body = STK_BUF_INIT };
        STK_CLEANUP(stk_buf_release) struct stk_buf body = STK_BUF_INIT;
        stk_buf_reserve(&body, 8 * 1024 * 1024);
        memset(body.data, ' ', 8 * 1024 * 1024);
        body.len = 8 * 1024 * 1024;
        struct side side = { .text = "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno",
                             .waits = waits == 1 };
        assert_int_equal(ask(&side, &wire, &body, &answer, NULL), STK_OK);
        assert_int_equal(answer.status, 413);
        assert_string_equal(stk_buf_str(&answer.body), "no");
        assert_true(answer.is_last);
        stk_buf_release(&answer.body);
    }
}

static void the_deadline__is_kept(void **unused)
{
    (void)unused;
    struct stk_wire wire = STK_WIRE_INIT;
    struct stk_answer answer = { .body = STK_BUF_INIT };
    struct stk_error err = { .rc = STK_OK };
    struct side side = { .text = "HTTP/1.1 200", .reads = true, .waits = true };
    wire.deadline = stk_clock_mono() + 50 * STK_MS;
    assert_int_equal(ask(&side, &wire, NULL, &answer, &err), STK_TIMEOUT);
    assert_string_equal(err.text, "it took too long");
    stk_buf_release(&side.got);
}

static void a_kept_connection__is_idle_until_something_comes(void **unused)
{
    (void)unused;
    int pair[2];
    struct stk_wire wire = STK_WIRE_INIT;
    assert_false(stk_wire_is_idle(&wire));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    wire.fd = pair[0];
    assert_true(stk_wire_is_idle(&wire));
    assert_int_equal(send(pair[1], "x", 1, 0), 1);
    assert_false(stk_wire_is_idle(&wire));
    char byte = 0;
    assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
    assert_true(stk_wire_is_idle(&wire));
    assert_int_equal(close(pair[1]), 0);
    assert_false(stk_wire_is_idle(&wire));
    stk_wire_release(&wire);
    stk_wire_release(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers__are_read_however_they_come),
        cmocka_unit_test(answers__without_a_length_end_with_the_connection),
        cmocka_unit_test(answers__that_are_no_http_are_refused),
        cmocka_unit_test(heads__have_limits),
        cmocka_unit_test(bodies__are_sent_with_their_length),
        cmocka_unit_test(bodies__that_are_refused_half_way_bring_the_reason),
        cmocka_unit_test(the_deadline__is_kept),
        cmocka_unit_test(a_kept_connection__is_idle_until_something_comes),
    };
    return cmocka_run_group_tests_name("client/wire", tests, NULL, NULL);
}
