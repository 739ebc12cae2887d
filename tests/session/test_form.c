/* SPDX-License-Identifier: MIT
 *
 * form-cookie, manual and operator: a form and its cookie, a pasted credential,
 * and no authority at all.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "session/simulated.h"

#define FORM "login_body: 'user={user}&password={password}'"
#define JSON                                     \
    "login_type: application/json, login_body: " \
    "'{\"user\":\"{user}\",\"password\":\"{password}\"}'"

static struct sim *site_with(void **state, const char *more, const char *password)
{
    struct sim *sim = *state;
    const char *path = sim_file(sim, "password", password);
    STK_CLEANUP(stk_freep)
    char *keys = stk_format("provider: form-cookie, login: /login, user: ann, "
                            "password_file: '%s', %s",
                            path, more);
    sim_spec(sim, keys);
    return sim;
}

static struct sim *site(void **state)
{
    return site_with(state, FORM ", cookie: session, check: /home", "correct horse\n");
}

static void assert_near(stk_time_ns moment, stk_time_ns about)
{
    stk_time_ns off = moment > about ? moment - about : about - moment;
    assert_true(off < 10 * STK_SECOND);
}

/* --- sign-in -------------------------------------------------------------- */

static void begin__posts_the_form_and_takes_the_cookie_and_its_age(void **state)
{
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_non_null(sim_secret(sim, "cookies/session"));
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
    assert_int_equal(sim_counter(sim, "form_logins"), 1);
    sim_must(sim, CHECK, CHECK_OK);
}

static void begin__escapes_user_and_password_for_the_kind_of_body(void **state)
{
    struct sim *sim = site_with(state, FORM, "a&b=\"c\"\\%+ \xc3\xa4\n");
    sim_set(sim, "{\"password\":\"a&b=\\\"c\\\"\\\\%+ \xc3\xa4\"}");
    sim_must(sim, BEGIN, CREDENTIAL);
    sim = site_with(state, JSON, "a&b=\"c\"\\%+ \xc3\xa4\n");
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "wrong_passwords"), 0);
}

static void begin__makes_password_and_cookie_known_so_that_nobody_prints_them(void **state)
{
    struct sim *sim = site_with(state, FORM ", cookie: session", "correct horse");
    sim_must(sim, BEGIN, CREDENTIAL);
    char text[1200];
    (void)snprintf(text, sizeof(text), "%s correct horse", sim_secret(sim, "cookies/session"));
    assert_true(stk_redact(text, strlen(text)));
    assert_null(strstr(text, "horse"));
    assert_null(strstr(text, sim_secret(sim, "cookies/session")));
}

static void begin__learns_the_end_from_the_check_where_the_cookie_has_none(void **state)
{
    struct sim *sim = site_with(state, FORM ", cookie: session, check: /home, expiry: /expires_in",
                                "correct horse");
    sim_set(sim, "{\"form_max_age\":false,\"lifetime_s\":900}");
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_near(sim->answer.news.expires_at, sim->now + 15 * STK_MINUTE);
}

static void begin__with_a_wrong_password_is_denied_however_that_is_said(void **state)
{
    static const char *const forms[] = { "200-html", "302", "401", "400", "403", "422" };
    struct sim *sim = site_with(state, FORM ", cookie: session", "wrong horse");
    for (size_t i = 0; i < STK_ARRAY_LEN(forms); i++) {
        STK_CLEANUP(stk_freep)
        char *knobs = stk_format("{\"form_wrong_status\":\"%s\"}", forms[i]);
        sim_set(sim, knobs);
        if (sim_ask(sim, STK_SESSION_ACT_BEGIN) != STK_SESSION_ON_DENIED) {
            fail_msg("%s: %s", forms[i], sim->answer.reason);
        }
        assert_null(strstr(sim->answer.reason, "horse"));
    }
}

static void begin__whose_answer_lacks_the_cookie_is_refused(void **state)
{
    struct sim *sim = site_with(state, FORM ", cookie: other", "correct horse");
    sim_must(sim, BEGIN, REFUSED);
    assert_non_null(strstr(sim->answer.reason, "no cookie other"));
}

static void begin__at_a_path_that_is_none_is_refused(void **state)
{
    struct sim *sim = *state;
    const char *path = sim_file(sim, "password", "correct horse");
    STK_CLEANUP(stk_freep)
    char *keys =
        stk_format("provider: form-cookie, login: /nowhere, user: ann, password_file: '%s'", path);
    sim_spec(sim, keys);
    sim_must(sim, BEGIN, REFUSED);
    assert_non_null(strstr(sim->answer.reason, "404"));
    assert_non_null(strstr(sim->answer.reason, "`login`"));
}

/* The cookie that this check looks for is another than the one that is set. */
static void begin__that_the_check_does_not_confirm_is_refused(void **state)
{
    struct sim *sim = site_with(state, FORM ", cookie: session, check: /userinfo", "correct horse");
    sim_must(sim, BEGIN, REFUSED);
    assert_non_null(strstr(sim->answer.reason, "signed in, but"));
}

static void begin__without_an_answer_says_so(void **state)
{
    struct sim *sim = site(state);
    sim_set(sim, "{\"burst_5xx\":1,\"burst_status\":500}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_s\":90}");
    sim_must(sim, BEGIN, LOCKED);
    assert_near(sim->answer.news.until, sim->now + 90 * STK_SECOND);
}

static void renew__is_a_sign_in_like_any_other(void **state)
{
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    sim_must(sim, RENEW, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "form_logins"), 2);
    sim_set(sim, "{\"password\":\"changed\"}");
    sim_must(sim, RENEW, DENIED);
}

/* --- check ---------------------------------------------------------------- */

static void check__sees_the_redirect_to_the_sign_in(void **state)
{
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_true(sim_person(sim, "{\"action\":\"evict-form\"}"));
    sim_must(sim, CHECK, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "form_logins"), 1);
}

static void check__where_there_is_none_believes_the_job_that_was_refused(void **state)
{
    struct sim *sim = site_with(state, FORM ", cookie: session", "correct horse");
    sim_must(sim, BEGIN, CREDENTIAL);
    sim->session.state = STK_SESSION_VALID;
    sim_must(sim, CHECK, CHECK_OK);
    sim->session.state = STK_SESSION_SUSPECT;
    sim_must(sim, CHECK, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

static void check__at_a_path_that_is_none_says_what_to_look_at(void **state)
{
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *cookies = stk_secret_ref(sim->credential);
    (void)site_with(state, FORM ", cookie: session, check: /nowhere", "correct horse");
    sim->credential = stk_secret_ref(cookies);
    sim_must(sim, CHECK, NO_ANSWER);
    assert_non_null(strstr(sim->answer.reason, "`check`"));
}

static void check__reads_the_marker_and_the_pointer(void **state)
{
    static const struct {
        const char *keys;
        enum stk_session_event event;
    } cases[] = {
        { "check: /home, ok: /user", STK_SESSION_ON_CHECK_OK },
        { "check: /home, ok: /nobody", STK_SESSION_ON_CHECK_LOST },
        { "check: /home, lost_marker: expires_in", STK_SESSION_ON_CHECK_LOST },
        { "check: /home, lost_marker: signed out", STK_SESSION_ON_CHECK_OK },
    };
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *cookies = stk_secret_ref(sim->credential);
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_freep) char *keys = stk_format("provider: manual, %s", cases[i].keys);
        sim_spec(sim, keys);
        sim->credential = stk_secret_ref(cookies);
        if (sim_ask(sim, STK_SESSION_ACT_CHECK) != cases[i].event) fail_msg("%s", cases[i].keys);
    }
}

/* --- manual and operator -------------------------------------------------- */

static void paste(struct sim *sim, const char *text)
{
    stk_secret_free(sim->credential);
    sim->credential = stk_secret_new(text, strlen(text));
}

static void manual__is_checked_with_what_was_pasted(void **state)
{
    struct sim *sim = site(state);
    sim_must(sim, BEGIN, CREDENTIAL);
    char token[128];
    (void)snprintf(token, sizeof(token), "%s", sim_secret(sim, "cookies/session"));
    sim_spec(sim, "provider: manual, cookie: session, check: /home, expiry: /expires_in");
    paste(sim, token);
    sim_must(sim, CHECK, CHECK_OK);
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
    paste(sim, "another");
    sim_must(sim, CHECK, CHECK_LOST);
}

static void manual__cannot_sign_in_or_renew(void **state)
{
    struct sim *sim = *state;
    sim_spec(sim, "provider: manual, check: /home");
    sim_must(sim, CHECK, CHECK_LOST);
    paste(sim, "two\nlines");
    sim_must(sim, CHECK, CHECK_LOST);
    assert_null(strstr(sim->answer.reason, "two"));
    sim_must(sim, BEGIN, REFUSED);
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void operator__has_no_authority_to_ask(void **state)
{
    struct sim *sim = *state;
    sim->spec = stk_alloc(sizeof(*sim->spec));
    sim->spec->provider = STK_PROVIDER_OPERATOR;
    sim->session.state = STK_SESSION_SUSPECT;
    sim_must(sim, CHECK, CHECK_OK);
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
    sim_must(sim, BEGIN, REFUSED);
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, sim_fresh)
    const struct CMUnitTest tests[] = {
        CASE(begin__posts_the_form_and_takes_the_cookie_and_its_age),
        CASE(begin__escapes_user_and_password_for_the_kind_of_body),
        CASE(begin__makes_password_and_cookie_known_so_that_nobody_prints_them),
        CASE(begin__learns_the_end_from_the_check_where_the_cookie_has_none),
        CASE(begin__with_a_wrong_password_is_denied_however_that_is_said),
        CASE(begin__whose_answer_lacks_the_cookie_is_refused),
        CASE(begin__at_a_path_that_is_none_is_refused),
        CASE(begin__that_the_check_does_not_confirm_is_refused),
        CASE(begin__without_an_answer_says_so),
        CASE(renew__is_a_sign_in_like_any_other),
        CASE(check__sees_the_redirect_to_the_sign_in),
        CASE(check__where_there_is_none_believes_the_job_that_was_refused),
        CASE(check__at_a_path_that_is_none_says_what_to_look_at),
        CASE(check__reads_the_marker_and_the_pointer),
        CASE(manual__is_checked_with_what_was_pasted),
        CASE(manual__cannot_sign_in_or_renew),
        CASE(operator__has_no_authority_to_ask),
    };
#undef CASE
    return cmocka_run_group_tests_name("session/form", tests, sim_start, sim_stop);
}
