/* SPDX-License-Identifier: MIT
 *
 * Notices written to a store and brought to a webhook on the loopback.
 */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "session/courier.h"
#include "session/notices.h"
#include "session/notifier.h"
#include "session/sink.h"
#include "store/notices.h"

#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_error err;
static char folder[64];
static struct sink *sink;
static struct stk_store *store;
static struct stk_settings *settings;
static struct stk_notifier *notifier;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER; /* one store for all threads */
static char said[400];                                         /* under store_lock */

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

/* --- the stage -------------------------------------------------------------- */

static enum stk_rc write_locked(void *context, stk_write_fn fn, void *arg, struct stk_error *error)
{
    struct stk_access direct = stk_access_direct(context);
    (void)pthread_mutex_lock(&store_lock);
    enum stk_rc rc = stk_write(&direct, fn, arg, error);
    (void)pthread_mutex_unlock(&store_lock);
    return rc;
}

static enum stk_rc read_locked(void *context, stk_read_fn fn, void *arg, struct stk_error *error)
{
    (void)pthread_mutex_lock(&store_lock);
    enum stk_rc rc = fn(context, arg, error);
    (void)pthread_mutex_unlock(&store_lock);
    return rc;
}

static struct stk_access access_of_all(void)
{
    return (struct stk_access){ .write = write_locked, .read = read_locked, .context = store };
}

static void keep_said(void *context, const char *line)
{
    (void)context;
    (void)pthread_mutex_lock(&store_lock);
    (void)snprintf(said, sizeof(said), "%s", line);
    (void)pthread_mutex_unlock(&store_lock);
}

/* A file of the folder that is nobody else's. */
static void secret_file(const char *name, const char *text)
{
    STK_CLEANUP(stk_freep) char *path = stk_format("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fchmod(fileno(file), 0600) != 0) abort();
    (void)fputs(text, file);
    (void)fclose(file);
}

static void read_settings(const char *channels)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format("workers: 4\n"
                            "tasks:\n  t: {command: [x], session: lab}\n"
                            "sessions:\n  lab: {provider: operator, lifetime: 12h}\n"
                            "limits:\n  day: {quota: 5/day}\n"
                            "notify:\n%s",
                            channels);
    OK(stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err));
    stk_settings_freep(&settings);
    OK(stk_settings_read(root, folder, &settings, &err));
}

static void use(const char *channel)
{
    STK_CLEANUP(stk_freep)
    char *url = stk_format("http://127.0.0.1:%u/hook?q=query", sink_port(sink));
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format("  team: {webhook: \"%s\"%s}\n", url, channel);
    read_settings(yaml);
}

static int set_up(void **state)
{
    const struct stk_store_options options = { .command = "test" };
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/stk-notify-XXXXXX");
    if (mkdtemp(folder) == NULL) abort();
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/stoker.db", folder);
    OK(stk_store_open(url, &options, &store, &err));
    sink = sink_start();
    said[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "stoker.db",      "stoker.db-wal", "stoker.db-shm",
                                         "stoker.db.lock", "url",           "token" };
    (void)state;
    stk_notifier_stop(notifier);
    notifier = NULL;
    sink_stop(sink);
    stk_settings_freep(&settings);
    stk_store_close(store);
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/%s", folder, names[i]);
        (void)remove(path);
    }
    (void)remove(folder);
    return 0;
}

static void start(void)
{
    const struct stk_notifier_options options = { .settings = settings,
                                                  .access = access_of_all(),
                                                  .say = keep_said };
    OK(stk_notifier_start(&options, &notifier, &err));
}

/* --- notices ---------------------------------------------------------------- */

struct ask {
    const struct stk_session *before, *session;
    stk_time_ns again_at, now;
    bool is_fresh;
};

static enum stk_rc say(struct stk_store *to, void *arg, stk_time_ns now, struct stk_error *error)
{
    struct ask *ask = arg;
    if (ask->now > 0) now = ask->now;
    return stk_notices_say(to, settings, &settings->sessions[0], ask->before, ask->session, now,
                           &ask->again_at, &ask->is_fresh, error);
}

static bool tell_at(const struct stk_session *session, stk_time_ns now)
{
    struct stk_access all = access_of_all();
    struct ask ask = { .session = session, .now = now };
    OK(stk_write(&all, say, &ask, &err));
    return ask.is_fresh;
}

static bool tell(const struct stk_session *session)
{
    return tell_at(session, 0);
}

static struct stk_session needs_human(void)
{
    struct stk_session session;
    stk_session_init(&session, "lab");
    session.state = STK_SESSION_NEEDS_HUMAN;
    session.generation = 7;
    session.changed_at = stk_clock_now();
    return session;
}

struct row {
    size_t count;
    char left[200];
    stk_time_ns next_at;
    uint32_t tries;
};

static void see(void *context, const struct stk_notice *notice)
{
    struct row *row = context;
    row->count++;
    row->tries = notice->tries;
    (void)snprintf(row->left, sizeof(row->left), "%s", notice->left);
}

/* All that is still to be delivered, however late. */
static enum stk_rc read_open(struct stk_store *from, void *arg, struct stk_error *error)
{
    struct row *row = arg;
    *row = (struct row){ .count = 0 };
    return stk_store_notices_due(from, stk_clock_now() + 100 * STK_DAY, 100, see, row,
                                 &row->next_at, error);
}

static struct row open_notices(void)
{
    struct row row;
    struct stk_access all = access_of_all();
    OK(stk_read(&all, read_open, &row, &err));
    return row;
}

static bool await(bool (*is_so)(void))
{
    stk_time_ns end = stk_clock_mono() + 20 * STK_SECOND;
    while (!is_so()) {
        if (stk_clock_mono() > end) return false;
        (void)poll(NULL, 0, 2);
    }
    return true;
}

static bool none_is_open(void)
{
    return open_notices().count == 0;
}

static bool one_was_tried(void)
{
    return open_notices().tries > 0;
}

/* One channel was served, the other put off. */
static bool both_were_tried(void)
{
    return open_notices().tries == 2;
}

/* --- delivery --------------------------------------------------------------- */

static void notice__is_delivered_once_however_often_it_is_said(void **state)
{
    (void)state;
    use("");
    struct stk_session session = needs_human();
    assert_true(tell(&session));
    assert_false(tell(&session));
    start();
    assert_true(sink_wait(sink, 1));
    assert_true(await(none_is_open));
    assert_false(tell(&session));
    stk_notifier_poke(notifier);
    session.state = STK_SESSION_REJECTED; /* another thing: what was said first comes first */
    assert_true(tell(&session));
    stk_notifier_poke(notifier);
    assert_true(sink_wait(sink, 2));
    assert_int_equal(sink_with(sink, "\"event\":\"session.action_required\""), 1);
    assert_int_equal(sink_with(sink, "\"event\":\"session.rejected\""), 1);
    assert_int_equal(sink_with(sink, "POST /hook?q=query HTTP/1.1"), 2);
}

static void notice__that_is_refused_is_tried_again_later(void **state)
{
    (void)state;
    use("");
    struct stk_session session = needs_human();
    sink_answers(sink, 500);
    assert_true(tell(&session));
    start();
    assert_true(await(one_was_tried));
    assert_string_equal(open_notices().left, "[\"team\"]");
    assert_int_equal(sink_count(sink), 1);
    (void)pthread_mutex_lock(&store_lock);
    assert_non_null(strstr(said, "the channel team did not take it: 127.0.0.1:"));
    assert_non_null(strstr(said, " answered 500; it is tried again"));
    (void)pthread_mutex_unlock(&store_lock);

    sink_answers(sink, 200);
    stk_clock_shift(STK_MINUTE);
    stk_notifier_poke(notifier);
    assert_true(sink_wait(sink, 2));
    assert_true(await(none_is_open));
}

static size_t failures;

static void count_failed(void *context, const struct stk_event *event)
{
    (void)context;
    if (strcmp(event->kind, "notice.failed") == 0 && strstr(event->text, "team") != NULL) {
        failures++;
    }
}

static enum stk_rc read_failures(struct stk_store *from, void *arg, struct stk_error *error)
{
    (void)arg;
    failures = 0;
    return stk_store_events(from, 0, 0, 100, count_failed, NULL, error);
}

static void notice__is_given_up_after_a_day_and_history_says_so(void **state)
{
    (void)state;
    use("");
    struct stk_session session = needs_human();
    sink_answers(sink, 500);
    assert_true(tell(&session));
    start();
    assert_true(await(one_was_tried));
    stk_clock_shift(25 * STK_HOUR);
    stk_notifier_poke(notifier);
    assert_true(await(none_is_open));
    struct stk_access all = access_of_all();
    OK(stk_read(&all, read_failures, NULL, &err));
    assert_int_equal(failures, 1);
}

static enum stk_rc put_row(struct stk_store *to, void *arg, stk_time_ns now,
                           struct stk_error *error)
{
    (void)now;
    return stk_store_session_set(to, arg, error);
}

static void notice__that_is_over_when_the_channel_works_again_is_dropped(void **state)
{
    (void)state;
    use("");
    struct stk_session session = needs_human();
    sink_answers(sink, 500);
    assert_true(tell(&session));
    start();
    assert_true(await(one_was_tried));
    assert_int_equal(sink_count(sink), 1);

    struct stk_access all = access_of_all();
    session.state = STK_SESSION_VALID; /* somebody came by */
    session.generation = 8;
    OK(stk_write(&all, put_row, &session, &err));
    sink_answers(sink, 200);
    stk_clock_shift(STK_MINUTE);
    stk_notifier_poke(notifier);
    assert_true(await(none_is_open));
    assert_int_equal(sink_count(sink), 1);
}

static void notice__reaches_one_channel_though_another_fails(void **state)
{
    (void)state;
    struct sink *broken = sink_start();
    sink_answers(broken, 503);
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format("  a: {webhook: \"http://127.0.0.1:%u/\"}\n"
                            "  b: {webhook: \"http://127.0.0.1:%u/\"}\n"
                            "  c: {webhook: \"http://127.0.0.1:%u/\", events: [limit.long]}\n",
                            sink_port(broken), sink_port(sink), sink_port(sink));
    read_settings(yaml);
    struct stk_session session = needs_human();
    assert_true(tell(&session));
    start();
    assert_true(sink_wait(sink, 1));
    assert_true(await(both_were_tried));
    assert_string_equal(open_notices().left, "[\"a\"]");
    sink_answers(broken, 200);
    stk_clock_shift(STK_MINUTE);
    stk_notifier_poke(notifier);
    assert_true(await(none_is_open));
    assert_int_equal(sink_count(sink), 1); /* not served twice for the other's sake */
    assert_int_equal(sink_count(broken), 2);
    sink_stop(broken);
}

static void stop__ends_a_delivery_that_hangs_and_keeps_the_notice(void **state)
{
    (void)state;
    use(", timeout: 5m");
    struct stk_session session = needs_human();
    sink_answers(sink, 0);
    assert_true(tell(&session));
    start();
    assert_true(sink_wait(sink, 1));
    stk_time_ns before = stk_clock_mono();
    stk_notifier_stop(notifier);
    notifier = NULL;
    assert_true(stk_clock_mono() - before < 20 * STK_SECOND);
    assert_int_equal(open_notices().count, 1);
}

static void start__without_channels_starts_nothing(void **state)
{
    (void)state;
    read_settings("");
    start();
    assert_null(notifier);
    struct stk_session session = needs_human();
    assert_false(tell(&session));
    assert_int_equal(open_notices().count, 0);
}

static void quiet__hours_hold_back_repeats_only(void **state)
{
    (void)state;
    use(", quiet: \"00:00-23:59\"");
    stk_time_ns noon = stk_clock_now() / STK_DAY * STK_DAY + 12 * STK_HOUR;
    struct stk_session session = needs_human();
    session.changed_at = noon;
    assert_true(tell_at(&session, noon));
    assert_false(tell_at(&session, noon + STK_HOUR));
    assert_int_equal(open_notices().count, 1);
}

/* --- limits ----------------------------------------------------------------- */

static enum stk_rc close_limit(struct stk_store *to, void *arg, stk_time_ns now,
                               struct stk_error *error)
{
    struct stk_limit limit;
    (void)arg;
    stk_limit_init(&limit, "day");
    limit.episode = 3;
    limit.episode_at = now;
    limit.blocked_until = now + STK_HOUR;
    return stk_store_limit_set(to, &limit, error);
}

static void limit__that_is_closed_for_long_is_said_once(void **state)
{
    (void)state;
    use("");
    struct stk_access all = access_of_all();
    OK(stk_write(&all, close_limit, NULL, &err));
    start();
    assert_true(sink_wait(sink, 1));
    STK_CLEANUP(stk_freep) char *last = sink_last(sink);
    assert_non_null(strstr(last, "\"event\":\"limit.long\""));
    assert_non_null(strstr(last, "stoker limits clear day"));
    assert_true(await(none_is_open));
    stk_notifier_stop(notifier); /* and a new one, which knows nothing */
    start();
    struct stk_session session = needs_human();
    assert_true(tell(&session));
    stk_notifier_poke(notifier);
    assert_true(sink_wait(sink, 2));
    assert_int_equal(sink_with(sink, "limit.long"), 1);
}

/* --- what is sent ----------------------------------------------------------- */

static const struct stk_message message = {
    .event = "session.challenge",
    .subject = "session lab",
    .key = "lab/7/x",
    .text = "a link & <more> waits.",
    .facts = "{\"link\":\"https://lab.example/c?x=1\",\"code\":\"AB-CD\",\"session\":\"lab\"}",
};

/* What it was comes from sink_last. */
static enum stk_rc send_to(const char *channel)
{
    struct stk_courier *courier = stk_courier_new(NULL);
    STK_CLEANUP(stk_freep) char *yaml = stk_format("  team: %s\n", channel);
    read_settings(yaml);
    struct stk_message now = message;
    now.at = stk_clock_now();
    enum stk_rc rc = stk_courier_send(courier, &settings->channels[0], &now, now.at, &err);
    stk_courier_free(courier);
    return rc;
}

/* "URL" in the keys stands for the sink's address. */
static char *with_address(const char *keys, const char *url)
{
    const char *place = strstr(keys, "URL");
    if (place == NULL) return stk_strdup(keys);
    return stk_format("%.*s%s%s", (int)(place - keys), keys, url, place + 3);
}

static void assert_sent(const char *keys, const char *const *parts)
{
    STK_CLEANUP(stk_freep) char *url = stk_format("http://127.0.0.1:%u", sink_port(sink));
    STK_CLEANUP(stk_freep) char *content = stk_format("%s/T0/hidden-path\n", url);
    secret_file("url", content);
    secret_file("token", "123:hidden-token\n");
    STK_CLEANUP(stk_freep) char *channel = with_address(keys, url);
    enum stk_rc rc = send_to(channel);
    STK_CLEANUP(stk_freep) char *request = sink_last(sink);
    if (rc != STK_OK) fail_msg("%s: %s", channel, err.text);
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (strstr(request, parts[i]) == NULL) fail_msg("no %s in:\n%s", parts[i], request);
    }
}

#define PARTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void body__is_what_each_service_reads(void **state)
{
    (void)state;
    assert_sent("{webhook_file: url, body: slack}",
                PARTS("POST /T0/hidden-path ",
                      "{\"text\":\"a link &amp; &lt;more&gt; waits.\\nlink: "
                      "https://lab.example/c?x=1\\ncode: AB-CD\",\"unfurl_links\":false"));
    assert_sent("{webhook_file: url, body: discord}",
                PARTS("{\"allowed_mentions\":{\"parse\":[]},\"content\":\"a link & <more> waits.",
                      "\"flags\":4}"));
    assert_sent("{webhook: \"URL\", body: telegram, chat: \"-77\", token_file: token}",
                PARTS("POST /bot123:hidden-token/sendMessage ", "{\"chat_id\":\"-77\",",
                      "\"disable_web_page_preview\":true,\"text\":\"a link & <more> waits."));
    assert_sent("{webhook: \"URL/topic\", body: ntfy, token_file: token, headers: {X-Priority: 5}}",
                PARTS("POST /topic ", "Title: session.challenge\r\n", "X-Priority: 5\r\n",
                      "Authorization: Bearer 123:hidden-token\r\n", "\r\n\r\na link & <more> "));
    assert_sent("{webhook: \"URL/in\"}",
                PARTS("Content-Type: application/json\r\n", "\"event\":\"session.challenge\"",
                      "\"facts\":{\"code\":\"AB-CD\",\"link\":\"https://lab.example/c?x=1\""));
}

static void link__is_left_out_where_it_is_not_wanted(void **state)
{
    (void)state;
    STK_CLEANUP(stk_freep)
    char *json = stk_format("{webhook: \"http://127.0.0.1:%u/\", link: false}", sink_port(sink));
    assert_int_equal(send_to(json), STK_OK);
    STK_CLEANUP(stk_freep) char *request = sink_last(sink);
    assert_non_null(strstr(request, "\"session\":\"lab\""));
    assert_null(strstr(request, "lab.example"));
    assert_null(strstr(request, "AB-CD"));
}

static void failure__never_shows_an_address_or_a_token_that_is_secret(void **state)
{
    (void)state;
    static const char *const channels[] = {
        "{webhook_file: url, body: slack}",
        "{webhook: \"http://127.0.0.1:1\", body: telegram, chat: \"1\", token_file: token}",
    };
    static const char *const addresses[] = { "http://127.0.0.1:1/T0/hidden-path",
                                             "http://u:hidden@127.0.0.1:1/", "hidden nonsense" };
    secret_file("token", "123:hidden-token\n");
    for (size_t i = 0; i < STK_ARRAY_LEN(addresses); i++) {
        secret_file("url", addresses[i]);
        for (size_t k = 0; k < STK_ARRAY_LEN(channels); k++) {
            enum stk_rc rc = send_to(channels[k]);
            assert_int_not_equal(rc, STK_OK);
            if (strstr(err.text, "hidden") != NULL) fail_msg("%s: %s", channels[k], err.text);
        }
    }
}

static void failure__of_a_secret_file_says_what_to_do(void **state)
{
    (void)state;
    enum stk_rc rc = send_to("{webhook_file: url, body: slack}");
    assert_int_equal(rc, STK_BAD_CONFIG);
    assert_non_null(strstr(err.text, "url"));
}

static void hook__without_a_pool_says_what_is_missing(void **state)
{
    (void)state;
    enum stk_rc rc = send_to("{hook: [\"true\"]}");
    assert_int_equal(rc, STK_UNAVAILABLE);
    assert_non_null(strstr(err.text, "stoker up"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notice__is_delivered_once_however_often_it_is_said),
        TEST(notice__that_is_refused_is_tried_again_later),
        TEST(notice__is_given_up_after_a_day_and_history_says_so),
        TEST(notice__that_is_over_when_the_channel_works_again_is_dropped),
        TEST(notice__reaches_one_channel_though_another_fails),
        TEST(stop__ends_a_delivery_that_hangs_and_keeps_the_notice),
        TEST(start__without_channels_starts_nothing),
        TEST(quiet__hours_hold_back_repeats_only),
        TEST(limit__that_is_closed_for_long_is_said_once),
        TEST(body__is_what_each_service_reads),
        TEST(link__is_left_out_where_it_is_not_wanted),
        TEST(failure__never_shows_an_address_or_a_token_that_is_secret),
        TEST(failure__of_a_secret_file_says_what_to_do),
        TEST(hook__without_a_pool_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
