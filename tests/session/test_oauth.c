/* SPDX-License-Identifier: MIT
 *
 * oauth-device and oauth-client: codes, refresh tokens that rotate or not, and
 * client credentials.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "session/credential.h"
#include "session/simulated.h"

#define DEVICE                                                                                  \
    "provider: oauth-device, token: /token, device: /device_authorization, client_id: stoker, " \
    "check: /userinfo"

static struct sim *portal(void **state)
{
    struct sim *sim = *state;
    sim_spec(sim, DEVICE);
    return sim;
}

/* The person with the code of the last challenge. */
static void act(struct sim *sim, const char *action)
{
    STK_CLEANUP(stk_freep)
    char *body = stk_format("{\"code\":\"%s\",\"action\":\"%s\"}", sim->answer.news.code, action);
    assert_true(sim_person(sim, body));
}

static void sign_in(struct sim *sim)
{
    sim_must(sim, BEGIN, CHALLENGE);
    act(sim, "pass");
    sim_must(sim, POLL, CREDENTIAL);
}

static void assert_near(stk_time_ns moment, stk_time_ns about)
{
    stk_time_ns off = moment > about ? moment - about : about - moment;
    assert_true(off < 10 * STK_SECOND);
}

static bool is_kept(struct sim *sim, const char *name)
{
    if (sim->work == NULL) return false;
    STK_CLEANUP(stk_json_freep) json_t *work = stk_credential_object(sim->work);
    return json_object_get(work, name) != NULL;
}

/* --- device: the code ----------------------------------------------------- */

static void begin__brings_a_link_a_code_its_end_and_a_pace(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"device_interval_s\":7}");
    sim_must(sim, BEGIN, CHALLENGE);

    STK_CLEANUP(stk_json_freep) json_t *seen = sim_state(sim);
    const char *code = json_string_value(json_object_get(seen, "user_code"));
    STK_CLEANUP(stk_freep) char *link = stk_format("%s/device?user_code=%s", sim->url, code);
    assert_string_equal(sim->answer.news.code, code);
    assert_string_equal(sim->answer.news.link, link);
    assert_int_equal(sim->answer.news.poll_every_ns, 7 * STK_SECOND);
    assert_near(sim->answer.news.until, sim->now + 10 * STK_MINUTE);
}

static void begin__without_interval_and_complete_link_takes_the_usual(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"device_interval_s\":0,\"device_complete_uri\":false}");
    sim_must(sim, BEGIN, CHALLENGE);
    STK_CLEANUP(stk_freep) char *link = stk_format("%s/device", sim->url);
    assert_string_equal(sim->answer.news.link, link);
    assert_int_equal(sim->answer.news.poll_every_ns, 5 * STK_SECOND);
}

static void begin__of_an_unknown_client_is_denied(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"client_id\":\"another\"}");
    sim_must(sim, BEGIN, DENIED);
    assert_non_null(strstr(sim->answer.reason, "invalid_client"));
}

/* A client that has a secret, which the authority wants to see wherever it asks. */
static struct sim *desk(void **state, const char *secret)
{
    struct sim *sim = *state;
    const char *path = sim_file(sim, "secret", secret);
    STK_CLEANUP(stk_freep) char *keys = stk_format(DEVICE ", client_secret_file: '%s'", path);
    sim_spec(sim, keys);
    sim_set(sim, "{\"device_wants_secret\":true}");
    return sim;
}

static void begin__of_a_client_with_a_secret_shows_it(void **state)
{
    struct sim *sim = desk(state, "client secret\n");
    sign_in(sim);
    sim_must(sim, RENEW, CREDENTIAL);
}

static void begin__with_a_wrong_secret_is_denied(void **state)
{
    struct sim *sim = desk(state, "another secret\n");
    sim_must(sim, BEGIN, DENIED);
    assert_non_null(strstr(sim->answer.reason, "invalid_client"));
    assert_null(strstr(sim->answer.reason, "another"));
}

static void begin__without_an_answer_says_so(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_form\":\"none\"}");
    sim_must(sim, BEGIN, LOCKED);
    assert_int_equal(sim->answer.news.until, 0);
    sim_set(sim, "{\"fault_path\":\"/nothing\"}");
    sim_must(sim, BEGIN, CHALLENGE);
}

static void poll__waits_while_it_is_pending(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim->answer.news.poll_every_ns, 0);
    assert_true(is_kept(sim, "device_code"));
}

static void poll__slows_down_by_five_seconds_each_time_it_is_told(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim->session.poll_every_ns = 5 * STK_SECOND;
    sim_set(sim, "{\"slow_down\":1}");
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim->answer.news.poll_every_ns, 10 * STK_SECOND);
    sim->session.poll_every_ns = 10 * STK_SECOND;
    sim_set(sim, "{\"slow_down\":1}");
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim->answer.news.poll_every_ns, 15 * STK_SECOND);
}

static void poll__is_over_when_the_person_says_no(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    act(sim, "fail");
    sim_must(sim, POLL, CHALLENGE_OVER);
    assert_non_null(strstr(sim->answer.reason, "no"));
}

static void poll__is_over_when_the_code_is_whatever_that_is_called(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_set(sim, "{\"clock_shift_s\":601}");
    sim_must(sim, POLL, CHALLENGE_OVER);
    sim_set(sim, "{\"device_invalid_grant\":true}");
    sim_must(sim, POLL, CHALLENGE_OVER);
}

static void poll__without_what_was_kept_is_over(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, POLL, CHALLENGE_OVER);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void poll__without_an_answer_keeps_the_code(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, POLL, NO_ANSWER);
    assert_true(is_kept(sim, "device_code"));
    sim_must(sim, POLL, CHECK_LOST);
}

static void poll__that_is_granted_keeps_the_refresh_token_from_jobs(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"lifetime_s\":1800}");
    sign_in(sim);
    assert_non_null(sim_secret(sim, "access_token"));
    assert_string_equal(sim_secret(sim, "token_type"), "Bearer");
    assert_null(sim_secret(sim, "refresh_token"));
    assert_near(sim->answer.news.expires_at, sim->now + 30 * STK_MINUTE);
    assert_true(is_kept(sim, "refresh_token"));
    assert_false(is_kept(sim, "device_code"));
    sim_must(sim, CHECK, CHECK_OK);
}

/* --- device: refresh ------------------------------------------------------ */

static void renew__with_a_rotating_token_uses_each_once(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    for (int i = 0; i < 4; i++) {
        sim_must(sim, RENEW, CREDENTIAL);
        assert_non_null(sim->answer.work); /* comes with the credential, for one transaction */
    }
    assert_int_equal(sim_counter(sim, "refreshes"), 4);
    assert_int_equal(sim_counter(sim, "reuses"), 0);
    sim_must(sim, CHECK, CHECK_OK);
}

static void renew__keeps_a_token_that_does_not_rotate(void **state)
{
    struct sim *sim = portal(state);
    sim_set(sim, "{\"rotate\":false}");
    sign_in(sim);
    sim_must(sim, RENEW, CREDENTIAL);
    assert_true(is_kept(sim, "refresh_token"));
    sim_must(sim, RENEW, CREDENTIAL);
    sim_must(sim, CHECK, CHECK_OK);
}

static void renew__with_a_revoked_token_is_refused_and_forgets_it(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    assert_true(sim_person(sim, "{\"action\":\"revoke\"}"));
    sim_must(sim, RENEW, REFUSED);
    assert_non_null(strstr(sim->answer.reason, "invalid_grant"));
    assert_false(is_kept(sim, "refresh_token"));
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "refreshes"), 1);
}

static void renew__of_a_client_that_is_no_longer_known_is_refused(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    sim_set(sim, "{\"client_id\":\"another\"}");
    sim_must(sim, RENEW, REFUSED);
    assert_true(is_kept(sim, "refresh_token"));
}

static void renew__without_an_answer_is_sent_once_and_not_again(void **state)
{
    struct sim *sim = *state;
    sim_spec(sim, DEVICE ", timeout: 300ms");
    sign_in(sim);
    sim_set(sim, "{\"token_delay_s\":2}");
    sim_must(sim, RENEW, NO_ANSWER);
    assert_int_equal(sim_counter(sim, "refreshes"), 1);
    assert_true(is_kept(sim, "refresh_token"));
    sim_must(sim, CHECK, CHECK_OK); /* the old access token still is good */
}

static void renew__does_not_lose_its_token_to_a_new_code(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    sim_must(sim, BEGIN, CHALLENGE);
    assert_true(is_kept(sim, "refresh_token") && is_kept(sim, "device_code"));
    sim_must(sim, RENEW, CREDENTIAL);
}

static void renew__of_a_throttled_endpoint_is_locked(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_s\":30,\"retry_after_form\":\"date\"}");
    sim_must(sim, RENEW, LOCKED);
    assert_near(sim->answer.news.until, sim->now + 30 * STK_SECOND);
    sim_set(sim, "{\"burst_5xx\":1,\"burst_status\":502}");
    sim_must(sim, RENEW, NO_ANSWER);
    sim_must(sim, RENEW, CREDENTIAL);
}

static void check__in_the_middle_of_a_completion_asks_for_the_code(void **state)
{
    struct sim *sim = portal(state);
    sim_must(sim, BEGIN, CHALLENGE);
    act(sim, "pass");
    sim->session.state = STK_SESSION_FINALIZING;
    sim_must(sim, CHECK, CREDENTIAL);
}

static void check__of_a_token_that_ended_is_lost(void **state)
{
    struct sim *sim = portal(state);
    sign_in(sim);
    sim_set(sim, "{\"clock_shift_s\":20000}");
    sim_must(sim, CHECK, CHECK_LOST);
}

/* --- client credentials --------------------------------------------------- */

static struct sim *service(void **state, const char *secret)
{
    struct sim *sim = *state;
    const char *path = sim_file(sim, "secret", secret);
    STK_CLEANUP(stk_freep)
    char *keys = stk_format("provider: oauth-client, token: /token, client_id: stoker, "
                            "client_secret_file: '%s', scope: 'read write', check: /userinfo",
                            path);
    sim_spec(sim, keys);
    return sim;
}

static void client__signs_in_and_renews_alone(void **state)
{
    struct sim *sim = service(state, "client secret\n");
    sim_must(sim, BEGIN, CREDENTIAL);
    assert_near(sim->answer.news.expires_at, sim->now + 4 * STK_HOUR);
    sim_must(sim, RENEW, CREDENTIAL);
    sim_must(sim, CHECK, CHECK_OK);
    assert_int_equal(sim_counter(sim, "client_grants"), 2);
}

static void client__with_a_wrong_secret_is_denied(void **state)
{
    struct sim *sim = service(state, "another secret\n");
    sim_must(sim, BEGIN, DENIED);
    assert_non_null(strstr(sim->answer.reason, "invalid_client"));
    assert_null(strstr(sim->answer.reason, "secret"));
}

static void client__without_an_answer_says_so(void **state)
{
    struct sim *sim = service(state, "client secret\n");
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, RENEW, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1}");
    sim_must(sim, RENEW, LOCKED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, sim_fresh)
    const struct CMUnitTest tests[] = {
        CASE(begin__brings_a_link_a_code_its_end_and_a_pace),
        CASE(begin__without_interval_and_complete_link_takes_the_usual),
        CASE(begin__of_an_unknown_client_is_denied),
        CASE(begin__of_a_client_with_a_secret_shows_it),
        CASE(begin__with_a_wrong_secret_is_denied),
        CASE(begin__without_an_answer_says_so),
        CASE(poll__waits_while_it_is_pending),
        CASE(poll__slows_down_by_five_seconds_each_time_it_is_told),
        CASE(poll__is_over_when_the_person_says_no),
        CASE(poll__is_over_when_the_code_is_whatever_that_is_called),
        CASE(poll__without_what_was_kept_is_over),
        CASE(poll__without_an_answer_keeps_the_code),
        CASE(poll__that_is_granted_keeps_the_refresh_token_from_jobs),
        CASE(renew__with_a_rotating_token_uses_each_once),
        CASE(renew__keeps_a_token_that_does_not_rotate),
        CASE(renew__with_a_revoked_token_is_refused_and_forgets_it),
        CASE(renew__of_a_client_that_is_no_longer_known_is_refused),
        CASE(renew__without_an_answer_is_sent_once_and_not_again),
        CASE(renew__does_not_lose_its_token_to_a_new_code),
        CASE(renew__of_a_throttled_endpoint_is_locked),
        CASE(check__in_the_middle_of_a_completion_asks_for_the_code),
        CASE(check__of_a_token_that_ended_is_lost),
        CASE(client__signs_in_and_renews_alone),
        CASE(client__with_a_wrong_secret_is_denied),
        CASE(client__without_an_answer_says_so),
    };
#undef CASE
    return cmocka_run_group_tests_name("session/oauth", tests, sim_start, sim_stop);
}
