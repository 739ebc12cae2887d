/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "session_make.h"

static void wish(struct stk_session *session, const char *text)
{
    session->wish[0] = '\0';
    strncat(session->wish, text, sizeof(session->wish) - 1);
}

static void assert_act(const struct stk_session *session, const struct stk_session_spec *spec,
                       stk_time_ns now, enum stk_session_act act)
{
    struct stk_session_plan plan = stk_session_plan(session, spec, now);
    assert_string_equal(stk_session_act_name(plan.act), stk_session_act_name(act));
}

static void assert_waits(const struct stk_session *session, const struct stk_session_spec *spec,
                         stk_time_ns now, stk_time_ns at)
{
    struct stk_session_plan plan = stk_session_plan(session, spec, now);
    assert_string_equal(stk_session_act_name(plan.act), "wait");
    assert_int_equal(plan.at, at);
}

static void assert_applies(const struct stk_session *session, const struct stk_session_spec *spec,
                           stk_time_ns now, enum stk_session_event event)
{
    struct stk_session_plan plan = stk_session_plan(session, spec, now);
    assert_string_equal(stk_session_act_name(plan.act), "apply");
    assert_string_equal(stk_session_event_name(plan.event), stk_session_event_name(event));
}

/* --- gates ---------------------------------------------------------------- */

static const char *const all_wishes[] = { "", "check", "renew", "login", "done", "nonsense" };

static void gate__no_call_while_the_authority_is_locked_whatever_is_wished(void **unused)
{
    (void)unused;
    for (size_t provider = 0; provider < STK_PROVIDER_COUNT_; provider++) {
        const struct stk_session_spec spec = make_spec((enum stk_provider)provider);
        for (size_t state = 0; state < STK_SESSION_STATE_COUNT_; state++) {
            for (size_t i = 0; i < STK_ARRAY_LEN(all_wishes); i++) {
                struct stk_session session = make((enum stk_session_state)state);
                session.blocked_until = NOW + STK_DAY;
                session.ready_at = NOW;
                wish(&session, all_wishes[i]);
                struct stk_session_plan plan = stk_session_plan(&session, &spec, NOW);
                bool calls = plan.act != STK_SESSION_ACT_WAIT && plan.act != STK_SESSION_ACT_APPLY;
                assert_false(calls);
                session.blocked_until = NOW - 1;
                session.block_unknown = true;
                plan = stk_session_plan(&session, &spec, NOW);
                calls = plan.act != STK_SESSION_ACT_WAIT && plan.act != STK_SESSION_ACT_APPLY;
                assert_false(calls);
            }
        }
    }
}

static void gate__a_lock_hides_no_end_of_the_credential(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    session.blocked_until = NOW + STK_DAY;
    wish(&session, "login");
    assert_waits(&session, &spec, NOW, NOW + 4 * STK_HOUR);
}

static void gate__nothing_is_done_while_disabled(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_CLIENT);
    struct stk_session session = make(STK_SESSION_DISABLED);
    for (size_t i = 0; i < STK_ARRAY_LEN(all_wishes); i++) {
        wish(&session, all_wishes[i]);
        assert_waits(&session, &spec, NOW + STK_DAY, STK_NEVER);
    }
}

static void gate__nothing_mints_while_a_challenge_is_open(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_CHALLENGE_OPEN);
    session.challenge_until = NOW + STK_HOUR;
    for (size_t i = 0; i < STK_ARRAY_LEN(all_wishes); i++) {
        wish(&session, all_wishes[i]);
        bool is_done = strcmp(all_wishes[i], "done") == 0;
        assert_act(&session, &spec, NOW, is_done ? STK_SESSION_ACT_FINISH : STK_SESSION_ACT_POLL);
    }
}

/* --- a running session ---------------------------------------------------- */

static void valid__waits_for_the_first_of_its_clocks(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    stk_time_ns soon = NOW + 4 * STK_HOUR - 24 * STK_MINUTE; /* 10 % of life */
    assert_waits(&session, &spec, NOW, soon);
    assert_applies(&session, &spec, soon, STK_SESSION_ON_SOON);
    session.deadline_at = NOW + STK_HOUR;
    assert_waits(&session, &spec, NOW, NOW + STK_HOUR);
    assert_applies(&session, &spec, NOW + STK_HOUR, STK_SESSION_ON_DEADLINE);
    session.deadline_at = STK_NEVER;
    assert_applies(&session, &spec, NOW + 4 * STK_HOUR, STK_SESSION_ON_EXPIRED);
}

static void expiring__renews_once_and_then_runs_to_its_end(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    assert_act(&session, &spec, NOW + STK_HOUR, STK_SESSION_ACT_RENEW);
    session.renew_tried = 7;
    assert_waits(&session, &spec, NOW + STK_HOUR, NOW + 4 * STK_HOUR);
}

static void soon__is_at_most_a_third_of_a_short_life(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_VALID);
    session.expires_at = NOW + 3 * STK_MINUTE;
    assert_waits(&session, &spec, NOW, NOW + 2 * STK_MINUTE);
}

static void gateway__is_kept_alive_and_asked_again_sooner_after_silence(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_GATEWAY_TICKLE);
    spec.keep_alive_ns = STK_MINUTE;
    struct stk_session session = make(STK_SESSION_VALID);
    assert_waits(&session, &spec, NOW, NOW + STK_MINUTE);
    assert_act(&session, &spec, NOW + STK_MINUTE, STK_SESSION_ACT_KEEP_ALIVE);
    (void)stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, NOW + STK_MINUTE, 0);
    assert_int_equal(session.state, STK_SESSION_VALID); /* one failure is not "no session" */
    assert_act(&session, &spec, NOW + STK_MINUTE + 2 * STK_SECOND, STK_SESSION_ACT_KEEP_ALIVE);
}

static void watched_files__are_looked_at_every_five_seconds(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_STATIC);
    struct stk_session none = make(STK_SESSION_NONE);
    assert_act(&none, &spec, NOW, STK_SESSION_ACT_CHECK);
    struct stk_session lost = make(STK_SESSION_NEEDS_HUMAN);
    assert_waits(&lost, &spec, NOW, NOW + 5 * STK_SECOND);
    assert_act(&lost, &spec, NOW + 5 * STK_SECOND, STK_SESSION_ACT_CHECK);
    struct stk_session rejected = make(STK_SESSION_REJECTED);
    assert_act(&rejected, &spec, NOW + 5 * STK_SECOND, STK_SESSION_ACT_CHECK);
}

/* --- renewal without an answer -------------------------------------------- */

static void renewing__that_was_begun_is_checked_and_not_repeated(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_RENEWING);
    assert_act(&session, &spec, NOW + STK_MINUTE, STK_SESSION_ACT_RENEW);
    session.renew_tried = 7;
    assert_act(&session, &spec, NOW + STK_MINUTE, STK_SESSION_ACT_CHECK);
}

static void renewing__is_sent_once_more_inside_the_grace_of_rotation(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    spec.rotation_grace_ns = 30 * STK_SECOND;
    struct stk_session session = make(STK_SESSION_EXPIRING);
    stk_time_ns now = NOW + STK_MINUTE;
    int sent = 0;
    for (; session.state != STK_SESSION_UNREACHABLE; now = now + 3 * STK_SECOND) {
        struct stk_session_plan plan = stk_session_plan(&session, &spec, now);
        if (plan.act == STK_SESSION_ACT_RENEW) {
            assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_RENEW, NULL, now, 0));
            sent++;
        }
        assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, now, 0));
    }
    assert_int_equal(sent, 2);
    assert_act(&session, &spec, now + STK_HOUR, STK_SESSION_ACT_CHECK);
}

/* --- people --------------------------------------------------------------- */

static void person__is_asked_before_a_challenge_is_made(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    assert_applies(&session, &spec, NOW, STK_SESSION_ON_ASK_READY);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_ASK_READY, NULL, NOW, 0));
    assert_waits(&session, &spec, NOW + 12 * STK_HOUR, STK_NEVER);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_READY, NULL, NOW, 0));
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_BEGIN);
    assert_waits(&session, &spec, NOW + 5 * STK_MINUTE, STK_NEVER); /* the grant has run out */
}

static void challenge__without_the_question_is_made_once_by_itself(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    spec.ask_ready = false;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_BEGIN);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CHALLENGE, NULL, NOW, 0));
    stk_time_ns over = NOW + 30 * STK_MINUTE;
    assert_applies(&session, &spec, over, STK_SESSION_ON_CHALLENGE_OVER);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CHALLENGE_OVER, NULL, over, 0));
    assert_waits(&session, &spec, over + 100 * STK_HOUR, STK_NEVER);
    wish(&session, "login");
    assert_act(&session, &spec, over, STK_SESSION_ACT_BEGIN);
}

static void challenge__is_not_made_for_ever_when_nobody_answers(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    spec.ask_ready = false;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    stk_time_ns now = NOW;
    int mints = 0;
    for (; stk_session_plan(&session, &spec, now).act == STK_SESSION_ACT_BEGIN; mints++) {
        assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, now, 0));
        now += STK_HOUR;
    }
    assert_int_equal(mints, 3);
}

static void sign_in__refused_does_not_go_round(void **unused)
{
    (void)unused;
    for (int ask = 0; ask < 2; ask++) {
        struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
        spec.ask_ready = ask == 1;
        struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
        session.ready_at = NOW;
        assert_act(&session, &spec, NOW, STK_SESSION_ACT_BEGIN);
        assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_REFUSED, NULL, NOW, 0));
        assert_true(stk_session_plan(&session, &spec, NOW).act != STK_SESSION_ACT_BEGIN);
    }
}

static void alone__signs_in_by_itself_when_it_has_none_or_lost_it(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_CLIENT);
    struct stk_session session = make(STK_SESSION_NONE);
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_BEGIN);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CREDENTIAL, NULL, NOW, 0));
    stk_time_ns end = NOW + 4 * STK_HOUR;
    assert_applies(&session, &spec, end, STK_SESSION_ON_EXPIRED);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_EXPIRED, NULL, end, 0));
    assert_act(&session, &spec, end, STK_SESSION_ACT_RENEW);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_RENEW, NULL, end, 0));
    for (int i = 0; i < 20; i++) {
        assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, end, 0));
    }
    assert_int_equal(session.state, STK_SESSION_UNREACHABLE);
    assert_act(&session, &spec, session.try_at, STK_SESSION_ACT_BEGIN);
}

static void minting__is_not_for_those_that_have_nothing_to_mint(void **unused)
{
    (void)unused;
    static const enum stk_provider none[] = { STK_PROVIDER_OPERATOR, STK_PROVIDER_MANUAL,
                                              STK_PROVIDER_COMMAND };
    for (size_t i = 0; i < STK_ARRAY_LEN(none); i++) {
        const struct stk_session_spec spec = make_spec(none[i]);
        struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
        wish(&session, "login");
        assert_waits(&session, &spec, NOW, STK_NEVER);
        assert_false(stk_session_next(&session, &spec, STK_SESSION_ON_LOGIN, NULL, NOW, 0));
    }
    char run[] = "./login";
    char *argv[] = { run, NULL };
    struct stk_session_spec spec = make_spec(STK_PROVIDER_COMMAND);
    spec.sign_in = argv;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    wish(&session, "login");
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_APPLY); /* the question comes first */
    session.state = STK_SESSION_AWAIT_READY;
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_BEGIN);
}

static void finalizing__without_an_answer_is_decided_by_a_check(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_FINALIZING);
    assert_act(&session, &spec, NOW, STK_SESSION_ACT_FINISH);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, NOW, 0));
    assert_act(&session, &spec, NOW + STK_MINUTE, STK_SESSION_ACT_CHECK);
}

static void poll__keeps_its_pace_and_learns_a_slower_one(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_AWAIT_READY);
    struct stk_session_news code = { .code = "ABCD", .poll_every_ns = 5 * STK_SECOND };
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CHALLENGE, &code, NOW, 0));
    assert_waits(&session, &spec, NOW, NOW + 5 * STK_SECOND);
    stk_time_ns now = NOW + 5 * STK_SECOND;
    struct stk_session_news slow = { .poll_every_ns = 10 * STK_SECOND };
    assert_act(&session, &spec, now, STK_SESSION_ACT_POLL);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CHECK_LOST, &slow, now, 0));
    assert_waits(&session, &spec, now, now + 10 * STK_SECOND);
}

/* --- twelve hours --------------------------------------------------------- */

/* A keeper whose authority says nothing until `back`: counts its calls. */
static int run_until(struct stk_session *session, const struct stk_session_spec *spec,
                     stk_time_ns from, stk_time_ns back)
{
    int calls = 0;
    stk_time_ns now = from;
    while (now < back) {
        struct stk_session_plan plan = stk_session_plan(session, spec, now);
        if (plan.act == STK_SESSION_ACT_WAIT) {
            if (plan.at == STK_NEVER || plan.at >= back) return calls;
            assert_true(plan.at > now); /* or the keeper would spin */
            now = plan.at;
        } else if (plan.act == STK_SESSION_ACT_APPLY) {
            assert_true(stk_session_next(session, spec, plan.event, NULL, now, 0));
        } else {
            if (plan.act == STK_SESSION_ACT_RENEW) {
                assert_true(stk_session_next(session, spec, STK_SESSION_ON_RENEW, NULL, now, 0));
            }
            assert_true(stk_session_next(session, spec, STK_SESSION_ON_NO_ANSWER, NULL, now, 0));
            calls++;
        }
    }
    return calls;
}

static void twelve_hours__without_a_person_cost_nothing_and_end_with_one_sign_in(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    stk_time_ns later = NOW + 12 * STK_HOUR;
    assert_int_equal(run_until(&session, &spec, NOW, later), 0);
    assert_int_equal(session.state, STK_SESSION_AWAIT_READY);
    assert_int_equal(session.closed_at, NOW);
    assert_int_equal(session.generation, 7);

    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_READY, NULL, later, 0));
    assert_act(&session, &spec, later, STK_SESSION_ACT_BEGIN);
    assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_CREDENTIAL, NULL, later, 0));
    assert_int_equal(session.state, STK_SESSION_VALID);
    assert_int_equal(session.closed_at, STK_NEVER);
    assert_int_equal(session.generation, 8);
}

static void twelve_hours__without_an_answer_cost_few_calls_and_no_sign_in(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_SUSPECT);
    int calls = run_until(&session, &spec, NOW, NOW + 12 * STK_HOUR);
    assert_true(calls > 10 && calls < 400);
    assert_int_equal(session.state, STK_SESSION_UNREACHABLE);
    assert_int_equal(session.renew_tried, 6);
}

static void twelve_hours__spin_in_no_state_of_any_provider(void **unused)
{
    (void)unused;
    for (size_t provider = 0; provider < STK_PROVIDER_COUNT_; provider++) {
        struct stk_session_spec spec = make_spec((enum stk_provider)provider);
        for (size_t state = 0; state < STK_SESSION_STATE_COUNT_; state++) {
            struct stk_session session = make((enum stk_session_state)state);
            session.challenge_until = NOW + STK_HOUR;
            session.deadline_at = NOW + 6 * STK_HOUR;
            int calls = run_until(&session, &spec, NOW, NOW + 12 * STK_HOUR);
            bool watches = stk_session_spec_watches(&spec);
            assert_true(calls < (watches ? 12 * 3600 / 5 + 10 : 3000));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate__no_call_while_the_authority_is_locked_whatever_is_wished),
        cmocka_unit_test(gate__a_lock_hides_no_end_of_the_credential),
        cmocka_unit_test(gate__nothing_is_done_while_disabled),
        cmocka_unit_test(gate__nothing_mints_while_a_challenge_is_open),
        cmocka_unit_test(valid__waits_for_the_first_of_its_clocks),
        cmocka_unit_test(expiring__renews_once_and_then_runs_to_its_end),
        cmocka_unit_test(soon__is_at_most_a_third_of_a_short_life),
        cmocka_unit_test(gateway__is_kept_alive_and_asked_again_sooner_after_silence),
        cmocka_unit_test(watched_files__are_looked_at_every_five_seconds),
        cmocka_unit_test(renewing__that_was_begun_is_checked_and_not_repeated),
        cmocka_unit_test(renewing__is_sent_once_more_inside_the_grace_of_rotation),
        cmocka_unit_test(person__is_asked_before_a_challenge_is_made),
        cmocka_unit_test(challenge__without_the_question_is_made_once_by_itself),
        cmocka_unit_test(challenge__is_not_made_for_ever_when_nobody_answers),
        cmocka_unit_test(sign_in__refused_does_not_go_round),
        cmocka_unit_test(alone__signs_in_by_itself_when_it_has_none_or_lost_it),
        cmocka_unit_test(minting__is_not_for_those_that_have_nothing_to_mint),
        cmocka_unit_test(finalizing__without_an_answer_is_decided_by_a_check),
        cmocka_unit_test(poll__keeps_its_pace_and_learns_a_slower_one),
        cmocka_unit_test(twelve_hours__without_a_person_cost_nothing_and_end_with_one_sign_in),
        cmocka_unit_test(twelve_hours__without_an_answer_cost_few_calls_and_no_sign_in),
        cmocka_unit_test(twelve_hours__spin_in_no_state_of_any_provider),
    };
    return cmocka_run_group_tests_name("model/session_plan", tests, NULL, NULL);
}
