/* SPDX-License-Identifier: MIT
 *
 * Against a server in this process (target.h). No case waits for a time but for
 * an event, or for a deadline that is the thing to test.
 */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/target.h"

struct stage {
    struct target *target;
    struct stk_http *http;
    struct stk_http_reply reply;
    struct stk_error err;
    char *url; /* that of the last request */
};

static int set_up(void **state)
{
    struct stage *stage = stk_alloc(sizeof *stage);
    stage->target = target_start();
    stage->http = stk_http_new();
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    stk_http_free(stage->http);
    stk_http_reply_release(&stage->reply);
    target_stop(stage->target);
    stk_freep(&stage->url);
    free(stage);
    return 0;
}

/* `path` of the target, with what else the request says. */
static enum stk_rc run(struct stage *stage, struct stk_http_request request, const char *path)
{
    stk_freep(&stage->url);
    stage->url = stk_format("http://127.0.0.1:%u%s", target_port(stage->target), path);
    request.url = stage->url;
    stage->err = (struct stk_error){ .rc = STK_OK };
    return stk_http_run(stage->http, &request, &stage->reply, &stage->err);
}

static void must_run(struct stage *stage, struct stk_http_request request, const char *path,
                     int status)
{
    if (run(stage, request, path) != STK_OK) fail_msg("%s", stage->err.text);
    assert_int_equal(stage->reply.status, status);
}

static void assert_asked(struct stage *stage, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *last = target_last(stage->target);
    if (strstr(last, wanted) == NULL) fail_msg("\"%s\" is not in: %s", wanted, last);
}

static void assert_not_asked(struct stage *stage, const char *unwanted)
{
    STK_CLEANUP(stk_freep) char *last = target_last(stage->target);
    if (strcasestr(last, unwanted) != NULL) fail_msg("\"%s\" is in: %s", unwanted, last);
}

static const struct stk_http_request plain = { .timeout_ns = 20 * STK_SECOND };

/* --- replies ------------------------------------------------------------- */

static void run__brings_status_headers_and_body(void **state)
{
    struct stage *stage = *state;
    char room[32];
    stk_time_ns before = stk_clock_now();
    must_run(stage, plain, "/hello?q=1#part", 200);
    assert_string_equal(stk_buf_str(&stage->reply.body), "hello");
    assert_string_equal(stk_buf_str(&stage->reply.headers),
                        "content-length: 5\nx-one: 1\nset-cookie: a=1\nset-cookie: b=2\n");
    assert_true(stage->reply.sent);
    assert_true(stage->reply.sent_at >= before && stage->reply.sent_at <= stk_clock_now());
    stage->url[strlen(stage->url) - strlen("#part")] = '\0';
    assert_string_equal(stk_buf_str(&stage->reply.url), stage->url);

    assert_string_equal(stk_http_reply_header(&stage->reply, "Set-Cookie", 0, room, sizeof room),
                        "a=1");
    assert_string_equal(stk_http_reply_header(&stage->reply, "set-cookie", 1, room, sizeof room),
                        "b=2");
    assert_null(stk_http_reply_header(&stage->reply, "set-cookie", 2, room, sizeof room));
    assert_null(stk_http_reply_header(&stage->reply, "cookie", 0, room, sizeof room));
    assert_string_equal(stk_http_reply_header(&stage->reply, "x-one", 0, room, 1), "");
}

static void run__any_status_is_a_reply(void **state)
{
    struct stage *stage = *state;
    must_run(stage, plain, "/missing", 404);
    assert_int_equal(stage->reply.body.len, 0);
    must_run(stage, plain, "/broken", 503);
    assert_string_equal(stk_buf_str(&stage->reply.body), "wait");
    must_run(stage, plain, "/nothing", 204);
    assert_string_equal(stk_buf_str(&stage->reply.body), "");
}

static void run__takes_bodies_of_each_kind(void **state)
{
    struct stage *stage = *state;
    must_run(stage, plain, "/until-close", 200);
    assert_string_equal(stk_buf_str(&stage->reply.body), "to the end");
    must_run(stage, plain, "/chunks", 200);
    assert_string_equal(stk_buf_str(&stage->reply.body), "abcde");
    struct stk_http_request head = plain;
    head.method = "HEAD";
    must_run(stage, head, "/hello", 200);
    assert_int_equal(stage->reply.body.len, 0);
}

static void run__takes_no_early_header_and_no_trailer(void **state)
{
    struct stage *stage = *state;
    must_run(stage, plain, "/chunks", 200);
    assert_string_equal(stk_buf_str(&stage->reply.headers),
                        "transfer-encoding: chunked\nx-head: yes\n");
    must_run(stage, plain, "/continue", 200);
    assert_string_equal(stk_buf_str(&stage->reply.headers), "x-late: yes\ncontent-length: 0\n");
}

static void run__keeps_the_connection(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 5; i++) {
        must_run(stage, plain, "/hello", 200);
    }
    assert_int_equal(target_connections(stage->target), 1);
    assert_int_equal(target_asked(stage->target), 5);
}

/* --- requests ------------------------------------------------------------ */

static void run__sends_what_it_is_given_and_little_else(void **state)
{
    struct stage *stage = *state;
    const struct stk_http_header headers[] = { { "X-Key", "a b" }, { "X-Empty", "" } };
    struct stk_http_request request = plain;
    request.method = "PUT";
    request.headers = headers;
    request.header_count = STK_ARRAY_LEN(headers);
    request.body = "a\0b";
    request.body_len = 3;
    must_run(stage, request, "/hello?x=a%20b", 200);

    STK_CLEANUP(stk_freep)
    char *wanted = stk_format("PUT /hello?x=a%%20b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                              "User-Agent: stoker/" STK_VERSION "\r\nAccept: */*\r\nX-Key: a b\r\n"
                              "X-Empty:\r\nContent-Length: 3\r\n\r\na",
                              target_port(stage->target));
    STK_CLEANUP(stk_freep) char *last = target_last(stage->target);
    assert_string_equal(last, wanted);
}

static void run__sends_user_and_password(void **state)
{
    struct stage *stage = *state;
    STK_CLEANUP(stk_secret_freep) struct stk_secret *password = stk_secret_new("open:sesame", 11);
    struct stk_http_request request = plain;
    request.user = "ali";
    request.password = password;
    must_run(stage, request, "/hello", 200);
    assert_asked(stage, "\r\nAuthorization: Basic YWxpOm9wZW46c2VzYW1l\r\n");
    must_run(stage, plain, "/hello", 200);
    assert_not_asked(stage, "Authorization");
}

static void run__says_the_length_of_an_empty_post(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.method = "POST";
    must_run(stage, request, "/hello", 200);
    assert_asked(stage, "\r\nContent-Length: 0\r\n");
    request.method = "DELETE";
    must_run(stage, request, "/hello", 200);
    assert_not_asked(stage, "Content-Length");
}

static void run__refuses_what_would_break_the_request(void **state)
{
    static const struct {
        const char *name, *value, *sentence;
    } bad[] = {
        { "X-Key", "a\r\nEvil: 1", "the header X-Key holds a line end or control character" },
        { "X-Key", "a\nb", "the header X-Key holds a line end or control character" },
        { "X-Key", "a\rb", "the header X-Key holds a line end or control character" },
        { "X Key", "a", "the name of a header is no HTTP word" },
        { "X-Key:", "a", "the name of a header is no HTTP word" },
        { "", "a", "the name of a header is no HTTP word" },
        { "content-length", "1", "the header content-length is made from the body: leave it out" },
        { "Transfer-Encoding", "chunked",
          "the header Transfer-Encoding is made from the body: leave it out" },
    };
    struct stage *stage = *state;
    struct stk_http_header header = { "X", "1" };
    struct stk_http_request request = plain;
    request.headers = &header;
    request.header_count = 1;
    for (size_t i = 0; i < STK_ARRAY_LEN(bad); i++) {
        header = (struct stk_http_header){ bad[i].name, bad[i].value };
        assert_int_equal(run(stage, request, "/hello"), STK_INVALID);
        assert_string_equal(stage->err.text, bad[i].sentence);
    }
    request = plain;
    request.method = "GET /x HTTP/1.1\r\nA:";
    assert_int_equal(run(stage, request, "/hello"), STK_INVALID);
    request = plain;
    request.user = "a:b";
    assert_int_equal(run(stage, request, "/hello"), STK_INVALID);
    assert_int_equal(run(stage, plain, "/a\r\nb"), STK_INVALID);
    assert_int_equal(target_asked(stage->target), 0);
}

static void run__refuses_what_is_no_web_address(void **state)
{
    static const char *const bad[] = {
        "",          "127.0.0.1/x",      "ftp://127.0.0.1/", "file:///etc/passwd",
        "http:///x", "http://a:b@host/", "http://h o/",      "http://host:99999/",
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(bad); i++) {
        struct stk_http_request request = plain;
        request.url = bad[i];
        assert_int_equal(stk_http_run(stage->http, &request, &stage->reply, NULL), STK_INVALID);
        assert_false(stage->reply.sent);
    }
}

/* --- limits -------------------------------------------------------------- */

static void run__refuses_a_body_over_the_limit(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.bytes_max = 5;
    must_run(stage, request, "/hello", 200);
    request.bytes_max = 4;
    assert_int_equal(run(stage, request, "/hello?secret"), STK_TOO_LARGE);
    assert_int_equal(stage->reply.body.len, 0);
    assert_true(stage->reply.sent);
    assert_non_null(strstr(stage->err.text, "/hello: the answer is over 4 bytes"));

    assert_int_equal(run(stage, plain, "/flood"), STK_TOO_LARGE);
    assert_non_null(strstr(stage->err.text, "over 1048576 bytes"));
}

static void run__refuses_headers_over_the_limit(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(run(stage, plain, "/headers"), STK_TOO_LARGE);
    assert_non_null(strstr(stage->err.text, "over 65536 bytes"));
}

static void run__gives_up_at_the_deadline(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.timeout_ns = 100 * STK_MS;
    assert_int_equal(run(stage, request, "/hang?secret"), STK_TIMEOUT);
    assert_true(stage->reply.sent);
    STK_CLEANUP(stk_freep)
    char *wanted = stk_format("GET http://127.0.0.1:%u/hang: not done within 100ms",
                              target_port(stage->target));
    assert_string_equal(stage->err.text, wanted);

    assert_int_equal(run(stage, request, "/declared"), STK_TIMEOUT);
    assert_int_equal(stage->reply.status, 0);
    must_run(stage, plain, "/hello", 200);
}

/* --- cancelling ---------------------------------------------------------- */

static void *cancel_when_asked(void *context)
{
    struct stage *stage = context;
    target_wait_asked(stage->target, 1);
    stk_http_cancel(stage->http);
    return NULL;
}

static void cancel__ends_the_request_under_way_at_once(void **state)
{
    struct stage *stage = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_asked, stage), 0);
    stk_time_ns begin = stk_clock_mono();
    assert_int_equal(run(stage, plain, "/hang?secret"), STK_BUSY);
    assert_true(stk_clock_mono() - begin < 10 * STK_SECOND);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(stage->reply.sent);
    assert_non_null(strstr(stage->err.text, "/hang: cancelled"));
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return poll(&poll_fd, 1, 0) == 1;
}

static void cancel__is_heard_by_who_waits_for_something_else(void **state)
{
    struct stage *stage = *state;
    int fd = stk_http_cancel_fd(stage->http);
    assert_false(is_readable(fd));
    stk_http_cancel(stage->http);
    assert_true(is_readable(fd));
    stk_http_arm(stage->http);
    assert_false(is_readable(fd));

    struct stk_http *other = stk_http_new();
    stk_http_cancel(other);
    assert_true(is_readable(stk_http_cancel_fd(other)));
    stk_http_free(other);
}

static void cancel__holds_until_armed_again(void **state)
{
    struct stage *stage = *state;
    stk_http_cancel(stage->http);
    assert_int_equal(run(stage, plain, "/hello"), STK_BUSY);
    assert_false(stage->reply.sent);
    assert_int_equal(run(stage, plain, "/hello"), STK_BUSY);
    stk_http_arm(stage->http);
    must_run(stage, plain, "/hello", 200);
    assert_int_equal(target_asked(stage->target), 1);
}

/* --- no reply ------------------------------------------------------------ */

static void sent__is_false_when_nobody_listens(void **state)
{
    struct stage *stage = *state;
    struct target *gone = target_start();
    STK_CLEANUP(stk_freep)
    char *url = stk_format("http://127.0.0.1:%u/path?secret=1", target_port(gone));
    STK_CLEANUP(stk_freep)
    char *wanted =
        stk_format("GET http://127.0.0.1:%u/path: Connection refused", target_port(gone));
    target_stop(gone);

    struct stk_http_request request = plain;
    request.url = url;
    assert_int_equal(stk_http_run(stage->http, &request, &stage->reply, &stage->err),
                     STK_UNAVAILABLE);
    assert_false(stage->reply.sent);
    assert_string_equal(stage->err.text, wanted);
}

static void sent__is_false_when_tls_does_not_come_about(void **state)
{
    struct stage *stage = *state;
    STK_CLEANUP(stk_freep)
    char *url = stk_format("https://127.0.0.1:%u/path?secret=1", target_port(stage->target));
    struct stk_http_request request = plain;
    request.url = url;
    assert_int_equal(stk_http_run(stage->http, &request, &stage->reply, &stage->err),
                     STK_UNAVAILABLE);
    assert_false(stage->reply.sent);
    assert_null(strstr(stage->err.text, "secret"));
    assert_int_equal(target_asked(stage->target), 0);
}

static void sent__is_true_when_the_server_closes_without_an_answer(void **state)
{
    static const char *const paths[] = { "/close?secret", "/short?secret", "/no-http?secret" };
    struct stage *stage = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(paths); i++) {
        assert_int_equal(run(stage, plain, paths[i]), STK_UNAVAILABLE);
        assert_true(stage->reply.sent);
        assert_int_equal(stage->reply.status, 0);
        assert_int_equal(stage->reply.body.len, 0);
        assert_null(strstr(stage->err.text, "secret"));
        assert_int_equal(target_asked(stage->target), i + 1);
    }
}

/* libcurl would ask a second time by itself. */
static void run__asks_once_when_a_kept_connection_is_closed(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.method = "POST";
    request.body = "pay";
    request.body_len = 3;
    must_run(stage, request, "/once", 200);
    assert_int_equal(run(stage, request, "/once?secret"), STK_UNAVAILABLE);
    assert_true(stage->reply.sent);
    assert_non_null(strstr(stage->err.text, "/once: the server closed the connection"));
    assert_int_equal(target_asked(stage->target), 2);
    must_run(stage, request, "/once", 200);
}

/* --- redirects ----------------------------------------------------------- */

static void redirects__are_not_followed_unless_asked_for(void **state)
{
    struct stage *stage = *state;
    char room[32];
    must_run(stage, plain, "/302?/hello", 302);
    assert_string_equal(stk_http_reply_header(&stage->reply, "location", 0, room, sizeof room),
                        "/hello");
    assert_int_equal(target_asked(stage->target), 1);
}

static void redirects__have_a_limit(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.redirects_max = 1;
    must_run(stage, request, "/302?/hello", 200);
    assert_string_equal(stk_buf_str(&stage->reply.body), "hello");
    assert_int_equal(strcmp(strrchr(stk_buf_str(&stage->reply.url), '/'), "/hello"), 0);

    request.redirects_max = 3;
    must_run(stage, request, "/302?/302", 302);
    must_run(stage, request, "/302?http://", 302);
}

static void redirects__change_the_method_as_all_clients_do(void **state)
{
    static const struct {
        const char *method, *path, *wanted;
        bool with_body;
    } rows[] = {
        { "POST", "/301?/hello", "GET /hello", false },
        { "POST", "/302?/hello", "GET /hello", false },
        { "POST", "/303?/hello", "GET /hello", false },
        { "POST", "/307?/hello", "POST /hello", true },
        { "POST", "/308?/hello", "POST /hello", true },
        { "PUT", "/302?/hello", "PUT /hello", true },
        { "PUT", "/303?/hello", "GET /hello", false },
        { "HEAD", "/303?/hello", "HEAD /hello", false },
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        struct stk_http_request request = plain;
        request.method = rows[i].method;
        request.redirects_max = 1;
        if (strcmp(request.method, "HEAD") != 0) {
            request.body = "body";
            request.body_len = 4;
        }
        must_run(stage, request, rows[i].path, 200);
        assert_asked(stage, rows[i].wanted);
        if (rows[i].with_body) assert_asked(stage, "\r\n\r\nbody");
        if (!rows[i].with_body) assert_not_asked(stage, "body");
    }
}

static void redirects__to_another_host_take_no_headers_along(void **state)
{
    struct stage *stage = *state;
    struct target *other = target_start();
    STK_CLEANUP(stk_secret_freep) struct stk_secret *password = stk_secret_new("sesame", 6);
    STK_CLEANUP(stk_freep)
    char *path = stk_format("/307?http://127.0.0.1:%u/hello", target_port(other));
    const struct stk_http_header header = { "X-Key", "topsecret" };
    struct stk_http_request request = plain;
    request.headers = &header;
    request.header_count = 1;
    request.user = "ali";
    request.password = password;
    request.redirects_max = 5;
    must_run(stage, request, path, 200);
    STK_CLEANUP(stk_freep) char *there = target_last(other);
    assert_null(strstr(there, "topsecret"));
    assert_null(strstr(there, "Authorization"));
    must_run(stage, request, "/302?/hello", 200);
    assert_asked(stage, "topsecret");
    assert_asked(stage, "Authorization");

    request.method = "POST";
    request.body = "topsecret";
    request.body_len = 9;
    must_run(stage, request, path, 307);
    assert_int_equal(target_asked(other), 1);

    stk_http_free(stage->http); /* so that the other one sees its connection end */
    stage->http = NULL;
    target_stop(other);
}

static void redirects__lead_to_no_other_scheme(void **state)
{
    struct stage *stage = *state;
    struct stk_http_request request = plain;
    request.redirects_max = 5;
    must_run(stage, request, "/302?https://127.0.0.1/hello", 302);
    must_run(stage, request, "/302?file:///etc/passwd", 302);
    must_run(stage, request, "/302?ftp://127.0.0.1/x", 302);
}

int main(void)
{
    static const char *const proxies[] = { "http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY",
                                           "ALL_PROXY" };
    for (size_t i = 0; i < STK_ARRAY_LEN(proxies); i++) {
        (void)unsetenv(proxies[i]);
    }
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(run__brings_status_headers_and_body),
        CASE(run__any_status_is_a_reply),
        CASE(run__takes_bodies_of_each_kind),
        CASE(run__takes_no_early_header_and_no_trailer),
        CASE(run__keeps_the_connection),
        CASE(run__sends_what_it_is_given_and_little_else),
        CASE(run__sends_user_and_password),
        CASE(run__says_the_length_of_an_empty_post),
        CASE(run__refuses_what_would_break_the_request),
        CASE(run__refuses_what_is_no_web_address),
        CASE(run__refuses_a_body_over_the_limit),
        CASE(run__refuses_headers_over_the_limit),
        CASE(run__gives_up_at_the_deadline),
        CASE(cancel__ends_the_request_under_way_at_once),
        CASE(cancel__is_heard_by_who_waits_for_something_else),
        CASE(cancel__holds_until_armed_again),
        CASE(sent__is_false_when_nobody_listens),
        CASE(sent__is_false_when_tls_does_not_come_about),
        CASE(sent__is_true_when_the_server_closes_without_an_answer),
        CASE(run__asks_once_when_a_kept_connection_is_closed),
        CASE(redirects__are_not_followed_unless_asked_for),
        CASE(redirects__have_a_limit),
        CASE(redirects__change_the_method_as_all_clients_do),
        CASE(redirects__to_another_host_take_no_headers_along),
        CASE(redirects__lead_to_no_other_scheme),
    };
#undef CASE
    return cmocka_run_group_tests_name("base/http", tests, NULL, NULL);
}
