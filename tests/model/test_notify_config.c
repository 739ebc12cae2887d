/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/notify_config.h"

/* 2026-11-24T00:00:00Z, a midnight */
#define MIDNIGHT ((stk_time_ns)1795478400 * STK_SECOND)

static enum stk_rc read_yaml(const char *channel, struct stk_channel **ret, size_t *ret_count,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *yaml = stk_format("notify:\n  c: %s\n", channel);
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, err);
    if (rc != STK_OK) return rc;
    return stk_notify_config_read(stk_node_get(root, "notify"), "/srv/lab", ret, ret_count, err);
}

static struct stk_channel *must_read(const char *channel)
{
    struct stk_channel *channels = NULL;
    struct stk_error err = { 0 };
    size_t count = 0;
    if (read_yaml(channel, &channels, &count, &err) != STK_OK) {
        print_error("%s\nrefused: %s\n", channel, err.text);
        abort();
    }
    assert_int_equal(count, 1);
    return channels;
}

static void drop(struct stk_channel *channel)
{
    stk_channel_release(channel);
    free(channel);
}

static void config__reads_a_hook(void **unused)
{
    (void)unused;
    struct stk_channel *channel = must_read("{hook: [./tell, --loud], timeout: 5s}");
    assert_int_equal(channel->kind, STK_CHANNEL_HOOK);
    assert_string_equal(channel->hook[0], "./tell");
    assert_string_equal(channel->hook[1], "--loud");
    assert_null(channel->hook[2]);
    assert_string_equal(channel->dir, "/srv/lab");
    assert_int_equal(channel->timeout_ns, 5 * STK_SECOND);
    assert_true(channel->link);
    drop(channel);
}

static void config__reads_a_webhook(void **unused)
{
    (void)unused;
    struct stk_channel *channel = must_read(
        "{webhook: \"https://ntfy.example/lab\", body: ntfy, token_file: tk, link: false, "
        "headers: {X-Priority: high, X-From: stoker}, ca_file: /etc/ca.pem}");
    assert_int_equal(channel->kind, STK_CHANNEL_WEBHOOK);
    assert_string_equal(channel->url, "https://ntfy.example/lab");
    assert_string_equal(channel->body, "ntfy");
    assert_string_equal(channel->token_file, "/srv/lab/tk");
    assert_string_equal(channel->headers[0], "X-Priority: high");
    assert_string_equal(channel->headers[1], "X-From: stoker");
    assert_null(channel->headers[2]);
    assert_false(channel->link);
    drop(channel);
}

static void config__reads_a_mail(void **unused)
{
    (void)unused;
    struct stk_channel *channel =
        must_read("{mail: \"smtp://mail.example:25\", from: s@example.org, "
                  "to: [a@example.org, b@example.org], user: s, password_file: pw}");
    assert_int_equal(channel->kind, STK_CHANNEL_MAIL);
    assert_string_equal(channel->server, "smtp://mail.example:25");
    assert_string_equal(channel->to[1], "b@example.org");
    assert_null(channel->to[2]);
    assert_string_equal(channel->password_file, "/srv/lab/pw");
    drop(channel);
}

static void channel__takes_the_events_that_it_names(void **unused)
{
    (void)unused;
    struct stk_channel *all = must_read("{hook: [x]}");
    struct stk_channel *some = must_read("{hook: [x], events: [session.*, limit.long]}");
    struct stk_channel *one = must_read("{hook: [x], events: [session.expiring]}");
    assert_true(stk_channel_takes(all, "limit.long"));
    assert_true(stk_channel_takes(some, "limit.long"));
    assert_true(stk_channel_takes(some, "session.renewed"));
    assert_false(stk_channel_takes(some, "notify.test"));
    assert_true(stk_channel_takes(one, "session.expiring"));
    assert_false(stk_channel_takes(one, "session.renewed"));
    drop(all);
    drop(some);
    drop(one);
}

static void channel__is_quiet_over_midnight_in_its_zone(void **unused)
{
    (void)unused;
    struct stk_channel *night = must_read("{hook: [x], quiet: \"22:00-07:00\"}");
    struct stk_channel *noon = must_read("{hook: [x], quiet: \"12:00-13:30\"}");
    struct stk_channel *never = must_read("{hook: [x]}");
    assert_true(stk_channel_is_quiet(night, MIDNIGHT));
    assert_true(stk_channel_is_quiet(night, MIDNIGHT + 22 * STK_HOUR));
    assert_true(stk_channel_is_quiet(night, MIDNIGHT + 7 * STK_HOUR - STK_SECOND));
    assert_false(stk_channel_is_quiet(night, MIDNIGHT + 7 * STK_HOUR));
    assert_false(stk_channel_is_quiet(night, MIDNIGHT + 22 * STK_HOUR - STK_SECOND));
    assert_true(stk_channel_is_quiet(noon, MIDNIGHT + 13 * STK_HOUR));
    assert_false(stk_channel_is_quiet(noon, MIDNIGHT + 14 * STK_HOUR));
    assert_false(stk_channel_is_quiet(never, MIDNIGHT));
    drop(night);
    drop(noon);
    drop(never);
}

static void channel__is_quiet_by_the_clocks_of_its_zone(void **unused)
{
    (void)unused;
    struct stk_zone *zone = NULL;
    if (stk_zone_open("Asia/Tokyo", &zone, NULL) != STK_OK) skip(); /* no zoneinfo here */
    stk_zone_free(zone);
    struct stk_channel *tokyo =
        must_read("{hook: [x], quiet: \"22:00-07:00\", zone: Asia/Tokyo}"); /* UTC + 9 */
    assert_false(stk_channel_is_quiet(tokyo, MIDNIGHT));
    assert_true(stk_channel_is_quiet(tokyo, MIDNIGHT + 13 * STK_HOUR));
    drop(tokyo);
}

/* clang-format off */
static const struct {
    const char *channel, *place, *says;
} bad[] = {
    { "{events: [session.*]}", "notify.c: ", "needs one of hook, webhook, webhook_file and mail" },
    { "{hook: [x], mail: \"smtp://a\"}", "notify.c: ", "no more than one" },
    { "{hook: x}", "notify.c.hook: ", "must be a list" },
    { "{hook: [x], url: y}", "notify.c.url: ", "unknown key" },
    { "{hook: [x], evnts: [y]}", "notify.c.evnts: ", "did you mean \"events\"" },
    { "{hook: [x], body: json}", "notify.c.body: ", "a channel of kind hook takes no such key" },
    { "{hook: [x], events: [sesion.expiring]}", "notify.c.events[0]: ", "did you mean \"session.expiring\"" },
    { "{hook: [x], events: [job.*]}", "notify.c.events[0]: ", "is no event" },
    { "{hook: [x], quiet: \"22-7\"}", "notify.c.quiet: ", "22:00-07:00" },
    { "{hook: [x], quiet: \"24:00-07:00\"}", "notify.c.quiet: ", "22:00-07:00" },
    { "{hook: [x], quiet: \"07:00-07:00\"}", "notify.c.quiet: ", "22:00-07:00" },
    { "{hook: [x], zone: UTC}", "notify.c.zone: ", "belongs to quiet hours" },
    { "{hook: [x], quiet: \"22:00-07:00\", zone: Moon/Base}", "notify.c.zone: ", "Moon/Base" },
    { "{webhook: \"https://x.example\", token: abc}", "notify.c.token: ", "secrets only from files: token_file" },
    { "{webhook: \"https://x.example\", headers: {Authorization: abc}}", "notify.c.headers.Authorization: ", "token_file" },
    { "{webhook: \"https://hooks.example/T0/abc\", body: slack}", "notify.c.webhook: ", "webhook_file" },
    { "{webhook: \"https://u:p@x.example\"}", "notify.c.webhook: ", "may not hold a user" },
    { "{webhook: \"https://x.example\", body: teams}", "notify.c.body: ", "not \"teams\"" },
    { "{webhook: \"https://x.example\", body: telegram, chat: \"1\"}", "notify.c: ", "needs chat and token_file" },
    { "{webhook: \"https://x.example\", chat: \"1\"}", "notify.c.chat: ", "belongs to body: telegram" },
    { "{mail: \"smtp://m\", to: [a@b]}", "notify.c: ", "needs the key from" },
    { "{mail: \"http://m\", from: a@b, to: [a@b]}", "notify.c.mail: ", "smtp://mail.example:25" },
    { "{mail: \"smtp://u:p@m\", from: a@b, to: [a@b]}", "notify.c.mail: ", "may not hold a user" },
    { "{mail: \"smtp://m\", from: a@b, to: [b]}", "notify.c.to[0]: ", "is not an address" },
    { "{mail: \"smtp://m\", from: a@b, to: [a@b], user: u}", "notify.c: ", "belong together" },
    { "{mail: \"smtp://m\", from: a@b, to: [a@b], password: u}", "notify.c.password: ", "password_file" },
};
/* clang-format on */

static void config__refuses_what_is_wrong_and_says_where(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(bad); i++) {
        struct stk_channel *channels = NULL;
        struct stk_error err = { 0 };
        size_t count = 0;
        enum stk_rc rc = read_yaml(bad[i].channel, &channels, &count, &err);
        if (rc != STK_BAD_CONFIG || strstr(err.text, bad[i].place) == NULL ||
            strstr(err.text, bad[i].says) == NULL) {
            fail_msg("%s: %s: %s", bad[i].channel, stk_rc_name(rc), err.text);
        }
    }
}

static void config__never_shows_what_may_be_a_secret(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "{webhook: \"https://u:hunter2@x.example\"}",
        "{webhook: \"https://x.example\", token: hunter2}",
        "{webhook: \"https://x.example/hunter2\", body: slack}",
        "{mail: \"smtp://u:hunter2@m\", from: a@b, to: [a@b]}",
        "{webhook: \"https://x.example\", headers: {Cookie: hunter2}}",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(texts); i++) {
        struct stk_channel *channels = NULL;
        struct stk_error err = { 0 };
        size_t count = 0;
        assert_int_equal(read_yaml(texts[i], &channels, &count, &err), STK_BAD_CONFIG);
        assert_null(strstr(err.text, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__reads_a_hook),
        cmocka_unit_test(config__reads_a_webhook),
        cmocka_unit_test(config__reads_a_mail),
        cmocka_unit_test(channel__takes_the_events_that_it_names),
        cmocka_unit_test(channel__is_quiet_over_midnight_in_its_zone),
        cmocka_unit_test(channel__is_quiet_by_the_clocks_of_its_zone),
        cmocka_unit_test(config__refuses_what_is_wrong_and_says_where),
        cmocka_unit_test(config__never_shows_what_may_be_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
