/* SPDX-License-Identifier: MIT
 *
 * Server and client: over a real socket with a real pool, and what becomes of a
 * call when the pool comes or goes.
 */
#include "api/house.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"
#include "server/server.h"

/* --- a pool that serves -------------------------------------------------- */

struct served {
    struct stk_pool *pool;
    struct stk_server *server;
    struct stk_api api;
};

static void must(enum stk_rc rc, const struct stk_error *err)
{
    if (rc != STK_OK) fail_msg("%s: %s", stk_rc_name(rc), err->text);
}

static struct served serve(const struct house *house)
{
    struct served served = { .pool = NULL };
    struct stk_error err = { .rc = STK_OK };
    const struct stk_pool_options options = {
        .settings = house->settings,
        .command = "stoker up",
        .workers = 2,
        .serves = true,
        .consoles = true,
    };
    STK_CLEANUP(stk_freep) char *path = stk_store_socket_path(house->settings->store);

    must(stk_pool_start(&options, &served.pool, &err), &err);
    served.api = (struct stk_api){ .settings = house->settings,
                                   .access = stk_pool_access(served.pool),
                                   .pool = served.pool };
    must(stk_server_start(&served.api, path, &served.server, &err), &err);
    return served;
}

static void end(struct served *served)
{
    stk_server_stop(served->server);
    stk_pool_free(served->pool);
}

static struct stk_client *open_client(const struct house *house)
{
    const struct stk_client_options options = { .settings = house->settings, .command = "test" };
    struct stk_client *client = NULL;
    struct stk_error err = { .rc = STK_OK };
    must(stk_client_open(&options, &client, &err), &err);
    return client;
}

static json_t *ask(struct stk_client *client, const char *method, const char *path,
                   const char *body)
{
    STK_CLEANUP(stk_json_freep) json_t *parsed = NULL;
    json_t *answer = NULL;
    struct stk_error err = { .rc = STK_OK };
    if (body != NULL) must(stk_json_parse(body, strlen(body), &parsed, &err), &err);
    must(stk_client_call(client, method, path, parsed, &answer, &err), &err);
    return answer;
}

#define ASK(client, method, path, body) \
    STK_CLEANUP(stk_json_freep) json_t *answer = ask(client, method, path, body)

static void refuses(struct stk_client *client, const char *method, const char *path, enum stk_rc rc,
                    const char *sentence)
{
    struct stk_error err = { .rc = STK_OK };
    json_t *answer = NULL;
    enum stk_rc got = stk_client_call(client, method, path, NULL, &answer, &err);
    assert_string_equal(err.text, sentence);
    assert_int_equal(got, rc);
    assert_null(answer);
}

/* Waits for a condition, not for a time. */
static void wait_for_state(struct stk_client *client, const char *path, const char *state)
{
    stk_time_ns deadline = stk_clock_mono() + 20 * STK_SECOND;
    while (true) {
        ASK(client, "GET", path, NULL);
        if (strcmp(house_text(answer, "state"), state) == 0) return;
        if (stk_clock_mono() > deadline) fail_msg("%s is not %s", path, state);
    }
}

/* --- raw HTTP ------------------------------------------------------------ */

static int connect_raw(const struct house *house)
{
    STK_CLEANUP(stk_freep) char *path = stk_store_socket_path(house->settings->store);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends what is given and reads until the answer's end: the server closes. */
static void raw(const struct house *house, const char *head, const char *body, struct stk_buf *ret)
{
    int fd = connect_raw(house);
    STK_CLEANUP(stk_freep) char *text = stk_format("%s\r\nConnection: close\r\n\r\n%s", head, body);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));

    char bytes[4096];
    ssize_t len = 0;
    while ((len = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        stk_buf_add(ret, bytes, (size_t)len);
    }
    (void)close(fd);
}

static void assert_raw(const struct house *house, const char *head, const char *body,
                       const char *status, const char *sentence)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf answer = STK_BUF_INIT;
    raw(house, head, body, &answer);
    if (strstr(stk_buf_str(&answer), status) == NULL ||
        strstr(stk_buf_str(&answer), sentence) == NULL) {
        fail_msg("not %s %s: %s", status, sentence, stk_buf_str(&answer));
    }
}

/* --- tests --------------------------------------------------------------- */

static void a_pool_answers_on_a_socket_that_only_its_user_may_open(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    STK_CLEANUP(stk_freep) char *path = stk_store_socket_path(house->settings->store);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        assert_true(stk_client_is_remote(client));
        ASK(client, "GET", "/status", NULL);
        assert_int_equal(json_array_size(house_at(answer, "workers")), 2);
        assert_string_equal(house_text(answer, "pools.0.state"), "running");
        assert_int_equal(house_int(answer, "pools.0.pid"), getpid());
    }
    end(&served);
    assert_int_equal(stat(path, &found), -1);
}

static void a_job_goes_all_the_way_round(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        {
            ASK(client, "POST", "/jobs", "{\"task\": \"noop\"}");
            assert_int_equal(house_int(answer, "first_id"), 1);
        }
        wait_for_state(client, "/jobs/1", "completed");
        {
            ASK(client, "GET", "/logs?job=1&wait=10s", NULL);
            assert_true(json_array_size(house_at(answer, "lines")) > 0);
            assert_int_equal(house_int(answer, "lines.0.job"), 1);
            assert_string_equal(house_text(answer, "lines.0.kind"), "step");
        }
        {
            ASK(client, "POST", "/queues/noop/pause", "{\"reason\": \"tea\"}");
            assert_true(json_is_string(house_at(answer, "by"))); /* whoever runs the test */
        }
        {
            ASK(client, "POST", "/jobs", "{\"task\": \"noop\"}");
            assert_int_equal(house_int(answer, "first_id"), 2);
        }
        ASK(client, "GET", "/jobs/2/why", NULL);
        assert_non_null(strstr(house_text(answer, "why"), "queue \"noop\" is paused by "));
    }
    end(&served);
}

static void a_sweep_is_filled_by_the_pool(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        {
            ASK(client, "POST", "/sweeps",
                "{\"task\": \"backtest\", \"axes\": [[\"fast\", \"1:20\"], [\"slow\", \"1:10\"]]}");
            assert_int_equal(house_int(answer, "points"), 200);
            assert_int_equal(house_int(answer, "new"), 200);
            assert_int_equal(house_int(answer, "existing"), 0);
            assert_true(json_is_true(house_at(answer, "filled")));
        }
        {
            ASK(client, "POST", "/sweeps/1/extend",
                "{\"axes\": [[\"fast\", \"20,21\"], [\"slow\", \"1:10\"]]}");
            if (house_int(answer, "new") != 10) fail_msg("%s", json_dumps(answer, 0));
            assert_int_equal(house_int(answer, "existing"), 10);
        }
        ASK(client, "GET", "/sweeps/1?wait=5s", NULL);
        assert_int_equal(house_int(answer, "points"), 210);
    }
    end(&served);
}

static void errors_are_the_same_on_both_ways(void **state)
{
    struct house *house = *state;
    for (int way = 0; way < 2; way++) {
        struct served served = { .pool = NULL };
        if (way == 1) served = serve(house);
        {
            STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
            assert_int_equal(stk_client_is_remote(client), way == 1);
            refuses(client, "GET", "/jobs/9", STK_NOT_FOUND, "there is no job 9");
            refuses(client, "GET", "/jobs?limit=x", STK_INVALID,
                    "limit must be a whole number from 1 to 1000, not \"x\"");
            refuses(client, "POST", "/jobs", STK_INVALID, "task is missing: which one?");
            refuses(client, "GET", "/nothing", STK_NOT_FOUND, "there is no route /nothing");
        }
        if (way == 1) end(&served);
    }
}

static void a_client_without_a_pool_opens_the_store_itself(void **state)
{
    struct house *house = *state;
    struct stk_client_options options = { .settings = house->settings,
                                          .command = "test",
                                          .must_exist = true };
    struct stk_client *client = NULL;
    struct stk_error err = { .rc = STK_OK };
    char sentence[256];

    assert_int_equal(stk_client_open(&options, &client, &err), STK_NOT_FOUND);
    (void)snprintf(sentence, sizeof sentence, "there is no store at %s yet: the first job makes it",
                   house->store_path);
    assert_string_equal(err.text, sentence);

    options.must_exist = false;
    must(stk_client_open(&options, &client, &err), &err);
    assert_false(stk_client_is_remote(client));
    {
        ASK(client, "POST", "/jobs", "{\"task\": \"noop\"}");
        assert_int_equal(house_int(answer, "count"), 1);
    }
    stk_client_close(client);
}

static void a_client_at_rest_lets_a_pool_take_over(void **state)
{
    struct house *house = *state;
    STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
    assert_false(stk_client_is_remote(client));
    stk_client_rest(client);
    struct served served = serve(house);
    {
        ASK(client, "GET", "/status", NULL);
        assert_int_equal(json_array_size(house_at(answer, "pools")), 1);
        assert_true(stk_client_is_remote(client));
    }
    end(&served);

    ASK(client, "GET", "/status", NULL);
    assert_int_equal(json_array_size(house_at(answer, "pools")), 0);
    assert_false(stk_client_is_remote(client));
}

static void *let_go_later(void *arg)
{
    struct timespec time = { .tv_nsec = 50 * STK_MS };
    (void)nanosleep(&time, NULL);
    stk_client_close(arg);
    return NULL;
}

static void the_second_of_two_short_commands_waits_for_the_first(void **state)
{
    struct house *house = *state;
    struct stk_client *first = open_client(house);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, let_go_later, first), 0);

    STK_CLEANUP(stk_client_closep) struct stk_client *second = open_client(house);
    assert_false(stk_client_is_remote(second));
    (void)pthread_join(thread, NULL);
}

static void what_is_not_http_as_we_know_it_is_refused(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    assert_raw(house, "PUT /api/v1/jobs HTTP/1.1\r\nHost: x", "", "HTTP/1.1 405",
               "only GET and POST are known here");
    assert_raw(house, "GET / HTTP/1.1\r\nHost: x", "", "HTTP/1.1 404",
               "there is no route /: they all stand under /api/v1");
    assert_raw(house, "GET /api/v1/jobs/a%2Fb HTTP/1.1\r\nHost: x", "", "HTTP/1.1 400",
               "not \\\"a/b\\\"");
    assert_raw(house, "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2", "{}",
               "HTTP/1.1 400", "Content-Type: application/json");
    assert_raw(house,
               "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: 2",
               "{]", "HTTP/1.1 400", "could not read the body as JSON: line 1");
    assert_raw(house,
               "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: 99999999",
               "", "HTTP/1.1 413", "the body is over 64 MiB");
    assert_raw(house, "POST /api/v1/queues/noop/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 0", "",
               "HTTP/1.1 200", "\"paused\":true");
    end(&served);
}

static void a_body_of_pieces_is_put_together(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    STK_CLEANUP(stk_buf_release) struct stk_buf body = STK_BUF_INIT;
    stk_buf_adds(&body, "{\"task\": \"noop\", \"file\": {\"text\": \"");
    for (int i = 0; i < 20000; i++) {
        stk_buf_adds(&body, "{}                                  \\n");
    }
    stk_buf_adds(&body, "\"}}");
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        ASK(client, "POST", "/jobs", stk_buf_str(&body));
        assert_int_equal(house_int(answer, "count"), 20000);
    }
    end(&served);
}

static void a_socket_path_may_be_long(void **state)
{
    struct house *house = *state;
    STK_CLEANUP(stk_freep)
    char *deep = stk_format("%s/%0100d/%0100d", house->dir, 1, 2);
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/t.db", deep);
    STK_CLEANUP(stk_freep) char *upper = stk_format("%s/%0100d", house->dir, 1);
    assert_int_equal(mkdir(upper, 0700), 0);
    assert_int_equal(mkdir(deep, 0700), 0);
    stk_settings_set_store(house->settings, url);

    struct served served = serve(house);
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        ASK(client, "GET", "/status", NULL);
        assert_string_equal(house_text(answer, "store"), url);
    }
    end(&served);
}

/* --- the end of a server ------------------------------------------------- */

struct poller {
    struct stk_client *client;
    enum stk_rc rc;
    json_t *answer;
};

static void *poll_long(void *arg)
{
    struct poller *poller = arg;
    poller->rc = stk_client_call(poller->client, "GET", "/logs?job=77&wait=60s", NULL,
                                 &poller->answer, NULL);
    return NULL;
}

static void a_long_poll_is_answered_when_the_server_stops(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    struct poller poller = { .client = open_client(house) };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, poll_long, &poller), 0);
    struct timespec time = { .tv_nsec = 100 * STK_MS }; /* so that it is likely under way */
    (void)nanosleep(&time, NULL);

    stk_time_ns begin = stk_clock_mono();
    end(&served);
    (void)pthread_join(thread, NULL);
    assert_true(stk_clock_mono() - begin < 10 * STK_SECOND);
    assert_int_equal(poller.rc, STK_OK);
    assert_int_equal(json_array_size(house_at(poller.answer, "lines")), 0);
    json_decref(poller.answer);
    stk_client_close(poller.client);
}

enum { CALLERS = 8, CALLS = 40 };

static void *call_often(void *arg)
{
    struct stk_client *client = open_client(arg);
    for (int i = 0; i < CALLS; i++) {
        ASK(client, i % 2 == 0 ? "POST" : "GET", "/jobs",
            i % 2 == 0 ? "{\"task\": \"noop\"}" : NULL);
        assert_non_null(answer);
    }
    stk_client_close(client);
    return NULL;
}

static void many_callers_are_served_at_once(void **state)
{
    struct house *house = *state;
    struct served served = serve(house);
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, house), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    {
        STK_CLEANUP(stk_client_closep) struct stk_client *client = open_client(house);
        ASK(client, "GET", "/jobs/last", NULL);
        assert_int_equal(house_int(answer, "id"), CALLERS * CALLS / 2);
    }
    end(&served);
}

int main(void)
{
#define WITH_HOUSE(name) \
    cmocka_unit_test_setup_teardown(name, house_set_up_without_store, house_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(a_pool_answers_on_a_socket_that_only_its_user_may_open),
        WITH_HOUSE(a_job_goes_all_the_way_round),
        WITH_HOUSE(a_sweep_is_filled_by_the_pool),
        WITH_HOUSE(errors_are_the_same_on_both_ways),
        WITH_HOUSE(a_client_without_a_pool_opens_the_store_itself),
        WITH_HOUSE(a_client_at_rest_lets_a_pool_take_over),
        WITH_HOUSE(the_second_of_two_short_commands_waits_for_the_first),
        WITH_HOUSE(what_is_not_http_as_we_know_it_is_refused),
        WITH_HOUSE(a_body_of_pieces_is_put_together),
        WITH_HOUSE(a_socket_path_may_be_long),
        WITH_HOUSE(a_long_poll_is_answered_when_the_server_stops),
        WITH_HOUSE(many_callers_are_served_at_once),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    stk_log_level_set(STK_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
