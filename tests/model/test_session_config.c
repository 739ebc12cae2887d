/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/session_config.h"

static enum stk_rc read_yaml(const char *yaml, struct stk_session_spec **ret, size_t *ret_count,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, err);
    if (rc != STK_OK) return rc;
    return stk_session_config_read(stk_node_get(root, "sessions"), "/srv/lab", ret, ret_count, err);
}

static void free_all(struct stk_session_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stk_session_spec_release(&specs[i]);
    }
    free(specs);
}

static struct stk_session_spec *must_read(const char *yaml, size_t *ret_count)
{
    struct stk_session_spec *specs = NULL;
    struct stk_error err = { 0 };
    if (read_yaml(yaml, &specs, ret_count, &err) != STK_OK) {
        print_error("%s\nrefused: %s\n", yaml, err.text);
        abort();
    }
    return specs;
}

static void config__reads_the_example_of_the_design(void **unused)
{
    (void)unused;
    size_t count = 0;
    struct stk_session_spec *specs =
        must_read("sessions:\n"
                  "  lab:\n"
                  "    provider: challenge-cookie\n"
                  "    url: https://lab.example\n"
                  "    login: /authentication\n"
                  "    check: /authentication\n"
                  "    user: researcher\n"
                  "    password_file: lab.password\n"
                  "    cookie: t\n"
                  "    challenge: {poll: 20s, ask_ready: false}\n"
                  "    renewers: [ops]\n"
                  "    warn: 45m\n"
                  "  duty: {provider: operator, lifetime: 12h, renewers: [ops]}\n",
                  &count);
    assert_int_equal(count, 2);
    assert_string_equal(specs[0].name, "duty");
    assert_int_equal(specs[0].provider, STK_PROVIDER_OPERATOR);
    assert_int_equal(specs[0].lifetime_ns, 12 * STK_HOUR);
    assert_string_equal(specs[0].renewers[0], "ops");
    assert_null(specs[0].renewers[1]);

    const struct stk_session_spec *lab = &specs[1];
    assert_string_equal(lab->url, "https://lab.example");
    assert_string_equal(lab->login, "/authentication");
    assert_string_equal(lab->password_file, "/srv/lab/lab.password");
    assert_string_equal(lab->cookie, "t");
    assert_int_equal(lab->challenge_poll_ns, 20 * STK_SECOND);
    assert_int_equal(lab->challenge_ttl_ns, 30 * STK_MINUTE);
    assert_false(lab->ask_ready);
    assert_int_equal(lab->warn_ns, 45 * STK_MINUTE);
    assert_int_equal(lab->deadline_clock_s, -1);
    free_all(specs, count);
}

/* clang-format off */
static const char *const good[] = {
    "{provider: operator, lifetime: 12h, deadline: \"06:00\", zone: UTC, remind: 1h}",
    "{provider: static, file: key, header: \"X-Key: {secret}\"}",
    "{provider: file, file: /tmp/cc, format: kerberos, probe: [klist, -s], renew: [kinit, -R], deadline: 7d}",
    "{provider: command, probe: [./probe], renew: [./renew], login: [./login], dir: helpers}",
    "{provider: form-cookie, url: \"http://127.0.0.1:8080\", login: /login, user: a, password_file: p, login_body: \"u={user}&p={password}\", lost_marker: Sign in}",
    "{provider: challenge-cookie, url: \"https://lab.example/api\", login: \"https://auth.example/x\", user: a, password_file: p, ok: /user/id, expiry: /token/expiry}",
    "{provider: oauth-device, url: \"https://id.example\", token: /token, device: /device, client_id: c, scope: a b, rotation_grace: 30s}",
    "{provider: oauth-client, token: \"https://id.example/token\", client_id: c, client_secret_file: s, audience: x}",
    "{provider: gateway-tickle, url: \"https://localhost:5000\", keep_alive: 1m, competing: take, ca_file: ca.pem, init: /i, validate: /v, reauth: /r, logout: /o}",
    "{provider: manual, lifetime: 7d, warn: 1d, renew_before: 2h, check_every: 10m, url: \"https://x.example\", check: /me, timeout: 5s}",
};

static const struct {
    const char *yaml, *key, *part;
} bad[] = {
    { "{lifetime: 1h}",                                             "",               "needs the key provider: one of operator, " },
    { "{provider: operater}",                                       ".provider",      "did you mean \"operator\"?" },
    { "{provider: magic-wand}",                                     ".provider",      "write one of operator, static" },
    { "{provider: operator}",                                       "",               "the provider operator needs the key lifetime" },
    { "{provider: operator, lifetime: 1h, cookie: x}",              ".cookie",        "the provider operator takes no such key" },
    { "{provider: operator, lifetim: 1h}",                          ".lifetim",       "did you mean \"lifetime\"?" },
    { "{provider: operator, lifetime: 1h, zzzzzz: 1}",              ".zzzzzz",        "unknown key" },
    { "{provider: operator, lifetime: 0s}",                         ".lifetime",      "must be from 1ms to" },
    { "{provider: operator, lifetime: 1h, deadline: \"24:00\"}",    ".deadline",      "is not a time of day" },
    { "{provider: operator, lifetime: 1h, deadline: \"0::00\"}",    ".deadline",      "is not a time of day" },
    { "{provider: operator, lifetime: 1h, zone: UTC}",              ".zone",          "belongs to a time of day" },
    { "{provider: operator, lifetime: 1h, deadline: \"06:00\", zone: ../../etc/passwd}", ".zone", "zone" },
    { "{provider: operator, lifetime: 1h, deadline: \"06:00\", zone: Mars/Base}", ".zone", "zone" },
    { "{provider: operator, lifetime: 1h, renewers: ops}",          ".renewers",      "must be a list, such as [ops, anna]" },
    { "{provider: operator, lifetime: 1h, renewers: [\"a b\"]}",    ".renewers[0]",   "is not the name of a user" },
    { "{provider: static}",                                         "",               "needs the key file" },
    { "{provider: static, file: k, header: \"X-Key: abc\"}",        ".header",        "holds no {secret}: secrets only from files" },
    { "{provider: static, file: k, token: abc}",                    ".token",         "secrets only from files: file" },
    { "{provider: static, file: k, check: /me}",                    "",               "paths need the key url" },
    { "{provider: file, file: k, format: xml}",                     ".format",        "must be raw, json, kerberos or cookies" },
    { "{provider: file, file: k, renew: kinit}",                    ".renew",         "there is no shell" },
    { "{provider: command}",                                        "",               "needs probe, renew or login" },
    { "{provider: command, login: /x}",                             ".login",         "must be a list" },
    { "{provider: form-cookie, url: \"https://x.example\", login: /l, user: a, password: b}", ".password", "secrets only from files: password_file" },
    { "{provider: form-cookie, url: \"https://a:b@x.example\"}",    ".url",           "may not hold a user" },
    { "{provider: form-cookie, url: \"ftp://x.example\"}",          ".url",           "is not a URL" },
    { "{provider: form-cookie, url: \"https://\"}",                 ".url",           "is not a URL" },
    { "{provider: form-cookie, url: \"https://x.example\", login: l}", ".login",      "must be a path" },
    { "{provider: form-cookie, url: \"https://x.example\", login: //evil}", ".login", "must be a path" },
    { "{provider: oauth-client, token: sk-123}",                    ".token",         "must be a path" },
    { "{provider: oauth-client, client_secret: abc}",               ".client_secret", "secrets only from files: client_secret_file" },
    { "{provider: gateway-tickle, competing: fight}",               ".competing",     "must be yield or take" },
    { "{provider: manual, url: \"https://x.example\", expiry: exp}", ".expiry",       "is not a JSON pointer" },
    { "{provider: challenge-cookie, challenge: {pol: 5s}}",         ".challenge.pol", "did you mean \"poll\"?" },
    { "{provider: challenge-cookie, challenge: {poll: 0s}}",        ".challenge.poll", "must be from 1s" },
    { "text",                                                       "",               "must be a map" },
};
/* clang-format on */

static void config__takes_each_provider_with_its_keys(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(good); i++) {
        STK_CLEANUP(stk_freep) char *yaml = stk_format("sessions:\n  s: %s\n", good[i]);
        size_t count = 0;
        struct stk_session_spec *specs = must_read(yaml, &count);
        assert_int_equal(count, 1);
        assert_int_equal(specs->provider, i);
        free_all(specs, count);
    }
    assert_int_equal(STK_ARRAY_LEN(good), STK_PROVIDER_COUNT_);
}

static void config__refuses_what_is_wrong_and_says_where(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_ARRAY_LEN(bad); i++) {
        STK_CLEANUP(stk_freep) char *yaml = stk_format("sessions:\n  s: %s\n", bad[i].yaml);
        STK_CLEANUP(stk_freep)
        char *place = stk_format("stoker.yaml:2: sessions.s%s: ", bad[i].key);
        struct stk_session_spec *specs = NULL;
        size_t count = 0;
        struct stk_error err = { 0 };
        enum stk_rc rc = read_yaml(yaml, &specs, &count, &err);
        if (rc == STK_OK) fail_msg("%s\nwas accepted", yaml);
        assert_int_equal(rc, STK_BAD_CONFIG);
        assert_null(specs);
        if (strncmp(err.text, place, strlen(place)) != 0) assert_string_equal(err.text, place);
        if (strstr(err.text, bad[i].part) == NULL) assert_string_equal(err.text, bad[i].part);
    }
}

static void config__does_not_repeat_a_secret_that_stands_in_the_wrong_place(void **unused)
{
    (void)unused;
    static const char *const leaks[] = {
        "{provider: form-cookie, url: \"https://a:hunter2@x.example\"}",
        "{provider: static, file: k, header: \"X-Key: hunter2\"}",
        "{provider: oauth-client, token: hunter2}",
        "{provider: operator, password: hunter2}",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(leaks); i++) {
        STK_CLEANUP(stk_freep) char *yaml = stk_format("sessions:\n  s: %s\n", leaks[i]);
        struct stk_session_spec *specs = NULL;
        size_t count = 0;
        struct stk_error err = { 0 };
        assert_int_equal(read_yaml(yaml, &specs, &count, &err), STK_BAD_CONFIG);
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void config__refuses_a_bad_name_for_a_session(void **unused)
{
    (void)unused;
    struct stk_session_spec *specs = NULL;
    size_t count = 0;
    struct stk_error err = { 0 };
    const char *yaml = "sessions:\n  a b: {provider: manual}\n";
    assert_int_equal(read_yaml(yaml, &specs, &count, &err), STK_BAD_CONFIG);
    assert_non_null(strstr(err.text, "not a name for a session"));
}

static void config__sets_a_deadline_by_the_clock_or_by_a_span(void **unused)
{
    (void)unused;
    size_t count = 0;
    struct stk_session_spec *specs =
        must_read("sessions:\n"
                  "  a: {provider: manual, deadline: 06:30, zone: UTC}\n"
                  "  b: {provider: gateway-tickle, url: \"https://x.example\", deadline: 7d}\n",
                  &count);
    assert_int_equal(specs[0].deadline_clock_s, 6 * 3600 + 30 * 60);
    assert_int_equal(specs[0].deadline_ns, 0);
    assert_int_equal(specs[1].deadline_clock_s, -1);
    assert_int_equal(specs[1].deadline_ns, 7 * STK_DAY);
    assert_int_equal(specs[1].keep_alive_ns, STK_MINUTE);
    free_all(specs, count);
}

static void provider__knows_what_it_can_do(void **unused)
{
    (void)unused;
    assert_string_equal(stk_provider_name(STK_PROVIDER_CHALLENGE_COOKIE), "challenge-cookie");
    assert_true(stk_provider_renews(STK_PROVIDER_OAUTH_CLIENT));
    assert_false(stk_provider_wants_person(STK_PROVIDER_OAUTH_CLIENT));
    char run[] = "./x";
    char *argv[] = { run, NULL };
    struct stk_session_spec spec = { .provider = STK_PROVIDER_COMMAND };
    assert_false(stk_session_spec_begins(&spec));
    assert_false(stk_session_spec_renews(&spec));
    spec.sign_in = spec.renew = argv;
    assert_true(stk_session_spec_begins(&spec));
    assert_true(stk_session_spec_renews(&spec));
    assert_false(stk_session_spec_is_alone(&spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__reads_the_example_of_the_design),
        cmocka_unit_test(config__takes_each_provider_with_its_keys),
        cmocka_unit_test(config__refuses_what_is_wrong_and_says_where),
        cmocka_unit_test(config__does_not_repeat_a_secret_that_stands_in_the_wrong_place),
        cmocka_unit_test(config__refuses_a_bad_name_for_a_session),
        cmocka_unit_test(config__sets_a_deadline_by_the_clock_or_by_a_span),
        cmocka_unit_test(provider__knows_what_it_can_do),
    };
    return cmocka_run_group_tests_name("model/session_config", tests, NULL, NULL);
}
