/* SPDX-License-Identifier: MIT
 *
 * challenge-cookie: a sign-in that sends a link which a person has to open.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "session/simulated.h"

#define ON(name) STK_SESSION_ON_##name

static struct sim *lab_with(void **state, const char *more, const char *password)
{
    struct sim *sim = *state;
    const char *path = sim_file(sim, "password", password);
    STK_CLEANUP(stk_freep)
    char *keys = stk_format("provider: challenge-cookie, login: /authentication, user: ann, "
                            "password_file: '%s', cookie: sid%s",
                            path, more);
    sim_spec(sim, keys);
    return sim;
}

static struct sim *lab(void **state)
{
    return lab_with(state, ", check: /authentication, expiry: /token/expiry", "correct horse\n");
}

static void sign_in(struct sim *sim)
{
    sim_must(sim, BEGIN, CHALLENGE);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, POLL, CREDENTIAL);
}

static void assert_near(stk_time_ns moment, stk_time_ns about)
{
    stk_time_ns off = moment > about ? moment - about : about - moment;
    assert_true(off < 10 * STK_SECOND);
}

/* --- begin ---------------------------------------------------------------- */

static void begin__without_a_challenge_is_a_credential(void **state)
{
    struct sim *sim = lab(state);
    sim_set(sim, "{\"challenge_due\":false}");
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_non_null(sim_secret(sim, "cookies/sid"));
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
    sim_must(sim, CHECK, CHECK_OK);
}

static void begin__brings_the_link_that_a_person_opens_and_never_opens_it(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);

    STK_CLEANUP(stk_json_freep) json_t *seen = sim_state(sim);
    STK_CLEANUP(stk_freep)
    char *link = stk_format("%s/authentication/challenge?id=%s", sim->url,
                            json_string_value(json_object_get(seen, "challenge")));
    assert_string_equal(sim->answer.news.link, link);
    assert_null(sim->answer.credential);
    assert_non_null(sim->work);
    assert_null(strstr(sim->answer.reason, "id="));

    sim_must(sim, POLL, CHECK_LOST);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, POLL, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "challenge_gets"), 0);
    assert_int_equal(sim_counter(sim, "mints"), 1);
}

static void begin__shows_no_old_cookie(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    assert_true(sim_person(sim, "{\"action\":\"evict\"}"));
    sim_must(sim, BEGIN, CHALLENGE);
    assert_int_equal(sim_counter(sim, "dirty_jars"), 0);
    assert_int_equal(sim_counter(sim, "mints"), 2);
}

static void begin__with_a_wrong_password_is_denied_after_one_try(void **state)
{
    struct sim *sim = lab_with(state, "", "wrong horse\n");
    sim_must(sim, BEGIN, DENIED);
    assert_int_equal(sim_counter(sim, "logins"), 1);
    assert_null(strstr(sim->answer.reason, "horse"));
}

static void begin__without_its_password_file_is_tried_again_later(void **state)
{
    struct sim *sim = lab(state);
    STK_CLEANUP(stk_freep) char *path = stk_format("%s/password", sim->folder);
    assert_int_equal(remove(path), 0);
    sim_must(sim, BEGIN, NO_ANSWER);
    assert_non_null(strstr(sim->answer.reason, "password"));
    assert_int_equal(sim_counter(sim, "logins"), 0);
}

static void begin__of_a_lock_out_is_locked_until_what_was_said_or_unknown(void **state)
{
    struct sim *sim = lab(state);
    sim_set(sim, "{\"mint_limit\":1}");
    sim_must(sim, BEGIN, CHALLENGE);
    sim_must(sim, BEGIN, LOCKED);
    assert_int_equal(sim->answer.news.until, 0);
    sim_set(sim, "{\"lockout_retry_after\":true}");
    sim_must(sim, BEGIN, LOCKED);
    assert_near(sim->answer.news.until, sim->now + 300 * STK_SECOND);
}

static void begin__of_a_rate_is_locked_until_retry_after(void **state)
{
    struct sim *sim = lab(state);
    sim_set(sim, "{\"auth_rpm\":1,\"retry_after_s\":40,\"retry_after_form\":\"float\"}");
    sim_must(sim, BEGIN, CHALLENGE);
    sim_must(sim, BEGIN, LOCKED);
    assert_near(sim->answer.news.until, sim->now + 40 * STK_SECOND);
}

static void begin__without_an_answer_says_so(void **state)
{
    struct sim *sim = lab(state);
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    assert_non_null(strstr(sim->answer.reason, "503"));
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_must(sim, BEGIN, CHALLENGE);
}

/* --- the challenge -------------------------------------------------------- */

static void poll__is_not_yet_until_the_person_has_passed(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_must(sim, POLL, CHECK_LOST);
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "finishes_without_cookie"), 0);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, FINISH, CREDENTIAL);
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
    assert_null(sim->work);
    sim_must(sim, CHECK, CHECK_OK);
}

static void poll__takes_the_cookie_that_the_completion_sets(void **state)
{
    struct sim *sim = lab(state);
    sim_set(sim, "{\"finalize_sets_cookie\":true,\"cookie_path_varies\":true}");
    sign_in(sim);
    sim_must(sim, CHECK, CHECK_OK);
}

static void poll__of_a_challenge_that_was_replaced_is_over(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *first = stk_secret_ref(sim->work);
    sim_must(sim, BEGIN, CHALLENGE);
    stk_secret_free(sim->work);
    sim->work = stk_secret_ref(first);
    sim_must(sim, POLL, CHALLENGE_OVER);
}

static void poll__of_one_that_failed_or_ended_is_over(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    assert_true(sim_person(sim, "{\"action\":\"fail\"}"));
    sim_must(sim, POLL, CHALLENGE_OVER);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_set(sim, "{\"clock_shift_s\":1801}");
    sim_must(sim, POLL, CHALLENGE_OVER);
}

static void poll__that_is_gone_is_decided_by_a_check(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *work = stk_secret_ref(sim->work);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, POLL, CREDENTIAL);

    stk_secret_free(sim->work);
    sim->work = stk_secret_ref(work); /* as if the answer had been lost */
    sim_must(sim, POLL, CREDENTIAL);  /* 410, and the cookie is signed in */

    stk_secret_free(sim->work);
    sim->work = stk_secret_ref(work);
    assert_true(sim_person(sim, "{\"action\":\"evict\"}"));
    sim_must(sim, POLL, CHALLENGE_OVER); /* 410, and it is not */
}

static void poll__that_lands_after_its_time_out_is_decided_by_a_check(void **state)
{
    struct sim *sim = lab_with(state, ", check: /authentication, timeout: 300ms", "correct horse");
    sim_must(sim, BEGIN, CHALLENGE);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_set(sim, "{\"finalize_delay_s\":2}");
    sim_must(sim, FINISH, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "finishes"), 1);
}

static void poll__that_is_throttled_is_locked(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_set(sim, "{\"challenge_429\":1,\"retry_after_form\":\"none\"}");
    sim_must(sim, POLL, LOCKED);
    assert_int_equal(sim->answer.news.until, 0);
    assert_non_null(sim->work);
}

/* The link of another host is for the person; the cookies are not for that host. */
static void poll__of_a_link_elsewhere_asks_the_authority_only(void **state)
{
    struct sim *sim = lab(state);
    STK_CLEANUP(stk_freep)
    char *knobs = stk_format("{\"challenge_at\":\"http://localhost%s\"}", strrchr(sim->url, ':'));
    sim_set(sim, knobs);
    sim_must(sim, BEGIN, CHALLENGE);
    assert_int_equal(strncmp(sim->answer.news.link, "http://localhost:", 17), 0);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "finishes"), 0);
    assert_int_equal(sim_counter(sim, "checks"), 1);
}

static void poll__without_what_was_kept_is_over(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, POLL, CHALLENGE_OVER);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

/* --- check ---------------------------------------------------------------- */

static void check__reads_a_lost_session_in_each_of_its_disguises(void **state)
{
    static const char *const forms[] = { "401", "403", "204", "302", "200-html", "200-json" };
    struct sim *sim = lab(state);
    sign_in(sim);
    assert_true(sim_person(sim, "{\"action\":\"evict\"}"));
    for (size_t i = 0; i < STK_ARRAY_LEN(forms); i++) {
        STK_CLEANUP(stk_freep) char *knobs = stk_format("{\"expired_status\":\"%s\"}", forms[i]);
        sim_set(sim, knobs);
        if (sim_ask(sim, STK_SESSION_ACT_CHECK) != ON(CHECK_LOST)) fail_msg("%s", forms[i]);
    }
    assert_int_equal(sim_counter(sim, "logins"), 1);
}

static void check__that_is_not_answered_loses_nothing(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, CHECK, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_form\":\"none\"}");
    sim_must(sim, CHECK, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_form\":\"int\",\"retry_after_s\":60}");
    sim_must(sim, CHECK, LOCKED);
    assert_near(sim->answer.news.until, sim->now + 60 * STK_SECOND);
    stk_http_cancel(sim->http);
    sim_must(sim, CHECK, NO_ANSWER);
    stk_http_arm(sim->http);
    sim_must(sim, CHECK, CHECK_OK);
}

static void check__measures_the_end_by_the_clock_of_the_authority(void **state)
{
    struct sim *sim = lab_with(state, ", check: /authentication", "correct horse");
    sim_set(sim, "{\"clock_shift_s\":7200}"); /* only the token's own `exp` tells, by that clock */
    sign_in(sim);
    sim_must(sim, CHECK, CHECK_OK);
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
}

static void check__after_a_completion_without_an_answer_asks_for_the_new_one(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim->session.state = STK_SESSION_FINALIZING;
    sim_must(sim, CHECK, CHECK_LOST);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *work = stk_secret_ref(sim->work);
    assert_true(sim_person(sim, "{\"action\":\"pass\"}"));
    sim_must(sim, POLL, CREDENTIAL);
    sim->work = stk_secret_ref(work);
    sim_must(sim, CHECK, CREDENTIAL);
}

/* --- renew ---------------------------------------------------------------- */

static void renew__while_alive_needs_no_person(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    char before[256];
    (void)snprintf(before, sizeof(before), "%s", sim_secret(sim, "cookies/sid"));
    sim_must(sim, RENEW, CREDENTIAL);
    assert_string_not_equal(sim_secret(sim, "cookies/sid"), before);
    sim_must(sim, CHECK, CHECK_OK);
    assert_int_equal(sim_counter(sim, "mints"), 1);
}

static void renew__that_brings_a_challenge_is_refused_and_keeps_none(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    sim_set(sim, "{\"renew_while_alive\":false}");
    sim_must(sim, RENEW, REFUSED);
    assert_null(sim->work);
    sim_must(sim, CHECK, CHECK_OK);
}

static void renew__without_a_session_asks_nobody(void **state)
{
    struct sim *sim = lab(state);
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void renew__of_a_session_that_is_over_signs_nobody_in(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    assert_true(sim_person(sim, "{\"action\":\"evict\"}"));
    int64_t logins = sim_counter(sim, "logins");
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "logins"), logins);
    assert_int_equal(sim_counter(sim, "mints"), 1);
}

static void renew__with_a_changed_password_is_denied(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    sim_set(sim, "{\"password\":\"another\"}");
    sim_must(sim, RENEW, DENIED);
}

static void renew__without_an_answer_says_so(void **state)
{
    struct sim *sim = lab(state);
    sign_in(sim);
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, RENEW, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1}");
    sim_must(sim, RENEW, LOCKED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, sim_fresh)
    const struct CMUnitTest tests[] = {
        CASE(begin__without_a_challenge_is_a_credential),
        CASE(begin__brings_the_link_that_a_person_opens_and_never_opens_it),
        CASE(begin__shows_no_old_cookie),
        CASE(begin__with_a_wrong_password_is_denied_after_one_try),
        CASE(begin__without_its_password_file_is_tried_again_later),
        CASE(begin__of_a_lock_out_is_locked_until_what_was_said_or_unknown),
        CASE(begin__of_a_rate_is_locked_until_retry_after),
        CASE(begin__without_an_answer_says_so),
        CASE(poll__is_not_yet_until_the_person_has_passed),
        CASE(poll__takes_the_cookie_that_the_completion_sets),
        CASE(poll__of_a_challenge_that_was_replaced_is_over),
        CASE(poll__of_one_that_failed_or_ended_is_over),
        CASE(poll__that_is_gone_is_decided_by_a_check),
        CASE(poll__that_lands_after_its_time_out_is_decided_by_a_check),
        CASE(poll__that_is_throttled_is_locked),
        CASE(poll__of_a_link_elsewhere_asks_the_authority_only),
        CASE(poll__without_what_was_kept_is_over),
        CASE(check__reads_a_lost_session_in_each_of_its_disguises),
        CASE(check__that_is_not_answered_loses_nothing),
        CASE(check__measures_the_end_by_the_clock_of_the_authority),
        CASE(check__after_a_completion_without_an_answer_asks_for_the_new_one),
        CASE(renew__while_alive_needs_no_person),
        CASE(renew__that_brings_a_challenge_is_refused_and_keeps_none),
        CASE(renew__without_a_session_asks_nobody),
        CASE(renew__of_a_session_that_is_over_signs_nobody_in),
        CASE(renew__with_a_changed_password_is_denied),
        CASE(renew__without_an_answer_says_so),
    };
#undef CASE
    return cmocka_run_group_tests_name("session/challenge", tests, sim_start, sim_stop);
}
