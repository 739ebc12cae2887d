/* SPDX-License-Identifier: MIT
 *
 * gateway-tickle: a sign-on outside and a session inside, kept alive together.
 */
#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "session/simulated.h"

#define PATHS                                                                                  \
    "provider: gateway-tickle, login: /sso/Login, init: /auth/init, validate: /sso/validate, " \
    "reauth: '/reauthenticate?force=true', logout: /logout"

static struct sim *gateway_with(void **state, const char *keys)
{
    struct sim *sim = *state;
    sim_spec(sim, keys);
    return sim;
}

static struct sim *gateway(void **state)
{
    return gateway_with(state, PATHS);
}

static void is(struct sim *sim, const char *what)
{
    STK_CLEANUP(stk_freep) char *act = stk_format("{\"gateway\":\"%s\"}", what);
    assert_true(sim_person(sim, act));
}

/* --- a person ------------------------------------------------------------- */

static void begin__sends_to_the_gateways_own_page(void **state)
{
    struct sim *sim = gateway(state);
    sim_must(sim, BEGIN, CHALLENGE);
    STK_CLEANUP(stk_freep) char *link = stk_format("%s/sso/Login", sim->url);
    assert_string_equal(sim->answer.news.link, link);
    sim_must(sim, POLL, CHECK_LOST);
    is(sim, "pass");
    sim_must(sim, POLL, CREDENTIAL);
    assert_null(sim->credential); /* the gateway holds the cookies itself */
    assert_int_equal(sim_counter(sim, "gateway_pages"), 0);
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
}

static void begin__where_somebody_is_signed_in_needs_nobody(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    sim_must(sim, BEGIN, CREDENTIAL);
}

static void begin__of_a_gateway_that_boots_is_no_answer(void **state)
{
    struct sim *sim = gateway(state);
    sim_set(sim, "{\"rst\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, BEGIN, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1,\"retry_after_s\":20}");
    sim_must(sim, BEGIN, LOCKED);
    sim_must(sim, BEGIN, CHALLENGE);
}

static void poll__opens_the_inner_session_once_the_outer_is_there(void **state)
{
    struct sim *sim = gateway(state);
    sim_must(sim, BEGIN, CHALLENGE);
    is(sim, "pass");
    is(sim, "drop");
    sim_must(sim, POLL, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "inits"), 1);
}

static void poll__while_a_rival_is_there_waits_and_does_not_fight(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "compete");
    sim_must(sim, BEGIN, CHALLENGE);
    sim_must(sim, POLL, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "inits"), 0);
    is(sim, "pass");
    sim_must(sim, FINISH, CREDENTIAL);
}

/* --- signs of life -------------------------------------------------------- */

static void keep_alive__keeps_what_would_end_when_idle(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    sim_set(sim, "{\"clock_shift_s\":300}");
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
    sim_set(sim, "{\"clock_shift_s\":600}");
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
    sim_set(sim, "{\"clock_shift_s\":1200}");
    sim_must(sim, KEEP_ALIVE, CHECK_LOST);
}

static void keep_alive__reads_a_lost_sign_on_in_both_forms(void **state)
{
    struct sim *sim = gateway(state);
    sim_must(sim, KEEP_ALIVE, CHECK_LOST);
    sim_set(sim, "{\"gateway_lost\":\"200-json\"}");
    sim_must(sim, CHECK, CHECK_LOST);
    assert_int_equal(sim_counter(sim, "inits") + sim_counter(sim, "reauths"), 0);
}

static void keep_alive__sees_that_only_the_outer_layer_lives(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "drop");
    sim_must(sim, KEEP_ALIVE, CHECK_LOST);
    assert_non_null(strstr(sim->answer.reason, "inner"));
    is(sim, "pass");
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
    sim_set(sim, "{\"gateway_status_absent\":true}");
    sim_must(sim, KEEP_ALIVE, CHECK_LOST);
}

static void keep_alive__that_fails_once_loses_nothing(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    sim_set(sim, "{\"burst_5xx\":1,\"burst_status\":500}");
    sim_must(sim, KEEP_ALIVE, NO_ANSWER);
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
}

static void keep_alive__names_a_rival(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "compete");
    sim_must(sim, KEEP_ALIVE, RIVAL);
    assert_int_equal(sim_counter(sim, "inits") + sim_counter(sim, "reauths"), 0);
}

static void check__may_ask_another_path(void **state)
{
    struct sim *sim = gateway_with(state, PATHS ", check: /auth/status");
    is(sim, "pass");
    sim_must(sim, CHECK, CHECK_OK);
    assert_int_equal(sim_counter(sim, "tickles"), 0);
    is(sim, "compete");
    sim_must(sim, CHECK, RIVAL);
}

static void check__in_the_middle_of_a_renewal_gives_it_time(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "drop");
    sim->session.state = STK_SESSION_RENEWING;
    sim_must(sim, CHECK, NO_ANSWER);
    sim->session.state = STK_SESSION_FINALIZING;
    sim_must(sim, CHECK, CREDENTIAL);
}

/* --- renewal -------------------------------------------------------------- */

static void renew__opens_the_inner_session_while_the_outer_lives(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "drop");
    sim_must(sim, RENEW, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "validates"), 1);
    assert_int_equal(sim_counter(sim, "logouts"), 0);
    sim_must(sim, CHECK, CHECK_OK);
}

static void renew__of_a_lost_sign_on_is_refused(void **state)
{
    struct sim *sim = gateway(state);
    sim_must(sim, RENEW, REFUSED);
    assert_int_equal(sim_counter(sim, "inits") + sim_counter(sim, "reauths"), 0);
}

static void renew__shakes_a_stuck_one_once(void **state)
{
    struct sim *sim = gateway(state);
    sim_set(sim, "{\"gateway_stuck\":true}");
    is(sim, "pass");
    sim_must(sim, RENEW, CREDENTIAL);
    assert_int_equal(sim_counter(sim, "logouts"), 1);
}

static void renew__without_a_way_to_open_it_is_refused(void **state)
{
    struct sim *sim = gateway_with(state, "provider: gateway-tickle");
    is(sim, "pass");
    is(sim, "drop");
    sim_must(sim, RENEW, REFUSED);
    assert_non_null(strstr(sim->answer.reason, "`init`"));
}

static void renew__that_does_not_open_yet_is_asked_for_later(void **state)
{
    struct sim *sim = gateway_with(state, "provider: gateway-tickle, reauth: /reauthenticate");
    sim_set(sim, "{\"gateway_stuck\":true}");
    is(sim, "pass");
    sim_must(sim, RENEW, NO_ANSWER);
    assert_int_equal(sim_counter(sim, "reauths"), 1);
}

static void renew__yields_to_a_rival_unless_told_to_take(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    is(sim, "compete");
    sim_must(sim, RENEW, RIVAL);
    assert_int_equal(sim_counter(sim, "inits"), 0);
    (void)gateway_with(state, PATHS ", competing: take");
    sim_must(sim, RENEW, CREDENTIAL);
    sim_must(sim, KEEP_ALIVE, CHECK_OK);
}

static void renew__without_an_answer_says_so(void **state)
{
    struct sim *sim = gateway(state);
    is(sim, "pass");
    sim_set(sim, "{\"burst_5xx\":1}");
    sim_must(sim, RENEW, NO_ANSWER);
    sim_set(sim, "{\"burst_429\":1}");
    sim_must(sim, RENEW, LOCKED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, sim_fresh)
    const struct CMUnitTest tests[] = {
        CASE(begin__sends_to_the_gateways_own_page),
        CASE(begin__where_somebody_is_signed_in_needs_nobody),
        CASE(begin__of_a_gateway_that_boots_is_no_answer),
        CASE(poll__opens_the_inner_session_once_the_outer_is_there),
        CASE(poll__while_a_rival_is_there_waits_and_does_not_fight),
        CASE(keep_alive__keeps_what_would_end_when_idle),
        CASE(keep_alive__reads_a_lost_sign_on_in_both_forms),
        CASE(keep_alive__sees_that_only_the_outer_layer_lives),
        CASE(keep_alive__that_fails_once_loses_nothing),
        CASE(keep_alive__names_a_rival),
        CASE(check__may_ask_another_path),
        CASE(check__in_the_middle_of_a_renewal_gives_it_time),
        CASE(renew__opens_the_inner_session_while_the_outer_lives),
        CASE(renew__of_a_lost_sign_on_is_refused),
        CASE(renew__shakes_a_stuck_one_once),
        CASE(renew__without_a_way_to_open_it_is_refused),
        CASE(renew__that_does_not_open_yet_is_asked_for_later),
        CASE(renew__yields_to_a_rival_unless_told_to_take),
        CASE(renew__without_an_answer_says_so),
    };
#undef CASE
    return cmocka_run_group_tests_name("session/gateway", tests, sim_start, sim_stop);
}
