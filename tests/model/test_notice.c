/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/notice.h"
#include "model/session_make.h"

static const struct stk_notice_facts quiet = { .work_ns = STK_NEVER };
static const struct stk_notice_facts busy = {
    .pending = 120, .running = 4, .waiting = 4, .work_ns = 5 * STK_HOUR + 20 * STK_MINUTE
};

static struct stk_notices notices;

static void ask(const struct stk_session *before, const struct stk_session *session,
                const struct stk_session_spec *spec, stk_time_ns now)
{
    stk_notices_release(&notices);
    stk_notices_of_session(before, session, spec, &busy, now, &notices);
}

static int let_go(void **unused)
{
    (void)unused;
    stk_notices_release(&notices);
    return 0;
}

static struct stk_session_spec duty(void)
{
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OPERATOR);
    spec.warn_ns = 30 * STK_MINUTE;
    spec.remind_ns = 30 * STK_MINUTE;
    return spec;
}

static void assert_key(const char *key)
{
    assert_int_equal(notices.count, 1);
    assert_string_equal(stk_buf_str(&notices.list[0].key), key);
}

static void assert_in(const char *part)
{
    const char *text = stk_buf_str(&notices.list[0].text);
    if (strstr(text, part) == NULL) fail_msg("no \"%s\" in: %s", part, text);
}

static void assert_not_in(const char *part)
{
    const char *text = stk_buf_str(&notices.list[0].text);
    if (strstr(text, part) != NULL) fail_msg("\"%s\" in: %s", part, text);
}

/* --- before the end ------------------------------------------------------- */

static void expiring__comes_at_each_threshold_once_and_says_when_the_next_is(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = duty();
    session.expires_at = NOW + 100 * STK_HOUR;
    stk_time_ns end = session.expires_at;
    ask(NULL, &session, &spec, NOW);
    assert_int_equal(notices.count, 0);
    assert_int_equal(notices.again_at, end - 24 * STK_HOUR);
    /* clang-format off */
    static const struct { stk_time_ns before, next; const char *key; } steps[] = {
        { 24 * STK_HOUR,   6 * STK_HOUR,    "lab/7/expiring/24h"  },
        { 6 * STK_HOUR,    STK_HOUR,        "lab/7/expiring/6h"   },
        { STK_HOUR,        30 * STK_MINUTE, "lab/7/expiring/1h"   },
        { 30 * STK_MINUTE, 15 * STK_MINUTE, "lab/7/expiring/warn" },
    };
    /* clang-format on */
    for (size_t i = 0; i < STK_ARRAY_LEN(steps); i++) {
        ask(NULL, &session, &spec, end - steps[i].before);
        assert_key(steps[i].key);
        assert_int_equal(notices.again_at, end - steps[i].next);
        assert_int_equal(notices.list[0].kind, STK_NOTICE_EXPIRING);
        assert_false(notices.list[0].is_repeat);
        ask(NULL, &session, &spec, end - steps[i].next - 1); /* a moment before the next */
        assert_key(steps[i].key);
    }
    ask(NULL, &session, &spec, end - STK_MINUTE);
    assert_key("lab/7/expiring/15m");
    assert_int_equal(notices.again_at, STK_NEVER);
}

static void expiring__of_a_short_life_comes_late_enough_to_be_of_use(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = duty();
    session.expires_at = NOW + 20 * STK_MINUTE;
    ask(NULL, &session, &spec, NOW);
    assert_int_equal(notices.count, 0);
    assert_int_equal(notices.again_at, NOW + 10 * STK_MINUTE);
    ask(NULL, &session, &spec, NOW + 16 * STK_MINUTE);
    assert_key("lab/7/expiring/6h"); /* a fifth of its life before its end */
}

static void expiring__says_what_to_do_and_whether_the_time_suffices(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = duty();
    session.expires_at = NOW + 100 * STK_HOUR;
    ask(NULL, &session, &spec, session.expires_at - 3 * STK_HOUR);
    assert_in("session \"lab\" ends in 3h, at ");
    assert_in("stoker session renew lab");
    assert_in("120 jobs wait, 4 workers are idle");
    assert_in("pending work needs about 5h 20m, the session ends in 3h: renew before ");
    assert_string_equal(stk_buf_str(&notices.list[0].subject), "session lab");
}

static void expiring__is_not_said_of_what_is_renewed_without_a_person(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_CLIENT);
    spec.warn_ns = 30 * STK_MINUTE;
    ask(NULL, &session, &spec, session.expires_at - STK_MINUTE);
    assert_int_equal(notices.count, 0);
    assert_int_equal(notices.again_at, STK_NEVER);
}

static void expiring__is_said_when_the_silent_renewal_was_in_vain(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_EXPIRING);
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    session.renew_tried = session.generation;
    ask(NULL, &session, &spec, session.expires_at - STK_MINUTE);
    assert_int_equal(notices.count, 1);
}

static void expiring__of_a_deadline_is_said_once_for_all_generations(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    spec.deadline_ns = 7 * STK_DAY;
    session.deadline_at = NOW + 7 * STK_DAY + 5 * STK_MINUTE;
    ask(NULL, &session, &spec, session.deadline_at - 24 * STK_HOUR);
    session.expires_at = NOW + 8 * STK_DAY;
    ask(NULL, &session, &spec, session.deadline_at - 24 * STK_HOUR);
    assert_int_equal(notices.count, 1);
    STK_CLEANUP(stk_buf_release) struct stk_buf key = STK_BUF_INIT;
    stk_buf_adds(&key, stk_buf_str(&notices.list[0].key));
    assert_non_null(strstr(stk_buf_str(&key), "/expiring/24h"));
    session.generation++;
    session.deadline_at += 3 * STK_SECOND;
    ask(NULL, &session, &spec, session.deadline_at - 24 * STK_HOUR);
    assert_key(stk_buf_str(&key));
}

/* --- while it is closed --------------------------------------------------- */

static void closed__is_said_at_once_then_after_15_45_105_minutes_then_each_hour(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session_spec spec = duty();
    const int64_t minutes[] = { 0, 15, 45, 105, 165, 225 };
    for (size_t i = 0; i < STK_ARRAY_LEN(minutes); i++) {
        ask(NULL, &session, &spec, NOW + minutes[i] * STK_MINUTE);
        assert_int_equal(notices.count, 1);
        assert_int_equal(notices.list[0].kind, STK_NOTICE_ACTION_REQUIRED);
        assert_int_equal(notices.list[0].is_repeat, i > 0);
        STK_CLEANUP(stk_buf_release) struct stk_buf key = STK_BUF_INIT;
        stk_buf_adds(&key, stk_buf_str(&notices.list[0].key));
        if (i + 1 == STK_ARRAY_LEN(minutes)) break;
        stk_time_ns next = NOW + minutes[i + 1] * STK_MINUTE;
        assert_int_equal(notices.again_at, next);
        ask(NULL, &session, &spec, next - 1);
        assert_key(stk_buf_str(&key));
        ask(NULL, &session, &spec, next);
        assert_string_not_equal(stk_buf_str(&notices.list[0].key), stk_buf_str(&key));
    }
    assert_in("session \"lab\" still needs a person, since 3h 45m: stoker session renew lab.");
}

static void closed__names_what_helps_for_each_provider(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session_spec manual = make_spec(STK_PROVIDER_MANUAL);
    struct stk_session_spec file = make_spec(STK_PROVIDER_FILE);
    file.file = (char *)(uintptr_t) "/srv/lab/ticket";
    ask(NULL, &session, &manual, NOW);
    assert_in("stoker session import lab");
    session.changed_at = NOW - STK_HOUR; /* the keeper is no longer at it */
    ask(NULL, &session, &file, NOW);
    assert_in("put a new credential into /srv/lab/ticket");
}

static void closed__waits_for_what_the_keeper_does_by_itself(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE); /* asks for ready */
    assert_int_not_equal(stk_session_plan(&session, &spec, NOW).act, STK_SESSION_ACT_WAIT);
    ask(NULL, &session, &spec, NOW);
    assert_int_equal(notices.count, 0);
    assert_int_equal(notices.again_at, NOW + STK_MINUTE);
    ask(NULL, &session, &spec, NOW + STK_MINUTE);
    assert_int_equal(notices.count, 1);

    struct stk_session ready = make(STK_SESSION_AWAIT_READY);
    ask(&session, &ready, &spec, NOW);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_ACTION_REQUIRED);
    assert_in("stoker session ready lab");
}

static void closed__by_a_person_or_by_the_keeper_is_not_said(void **unused)
{
    (void)unused;
    static const enum stk_session_state states[] = { STK_SESSION_DISABLED, STK_SESSION_RENEWING,
                                                     STK_SESSION_SUSPECT, STK_SESSION_FINALIZING };
    struct stk_session_spec spec = duty();
    for (size_t i = 0; i < STK_ARRAY_LEN(states); i++) {
        struct stk_session session = make(states[i]);
        ask(NULL, &session, &spec, NOW + STK_HOUR);
        assert_int_equal(notices.count, 0);
    }
}

static void never_signed_in__is_said_once(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_NONE);
    struct stk_session_spec spec = duty();
    ask(NULL, &session, &spec, NOW);
    assert_key("lab/0/none/0");
    assert_in("was never signed in: stoker session renew lab");
    assert_int_equal(notices.again_at, STK_NEVER);
}

/* --- challenges ------------------------------------------------------------ */

static struct stk_session challenged(void)
{
    struct stk_session session = make(STK_SESSION_CHALLENGE_OPEN);
    (void)snprintf(session.link, sizeof(session.link), "https://lab.example/c?x=capability");
    session.challenge_at = NOW;
    session.challenge_until = NOW + 20 * STK_MINUTE;
    session.challenges = 3;
    return session;
}

static void challenge__keeps_the_link_out_of_the_text_and_in_the_facts(void **unused)
{
    (void)unused;
    struct stk_session session = challenged();
    struct stk_session_spec spec = duty();
    ask(NULL, &session, &spec, NOW);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_CHALLENGE);
    assert_in("stoker session done lab");
    assert_in("It is good until ");
    assert_not_in("capability");
    json_t *facts = NULL;
    const struct stk_buf *text = &notices.list[0].facts;
    assert_int_equal(stk_json_parse(text->data, text->len, &facts, NULL), STK_OK);
    assert_string_equal(json_string_value(json_object_get(facts, "link")),
                        "https://lab.example/c?x=capability");
    assert_int_equal(json_integer_value(json_object_get(facts, "pending")), 120);
    json_decref(facts);
}

static void challenge__that_is_over_is_said_in_place_of_the_first_call(void **unused)
{
    (void)unused;
    struct stk_session before = challenged();
    struct stk_session after = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session_spec spec = duty();
    after.changed_at = NOW + STK_HOUR;
    ask(&before, &after, &spec, NOW + STK_HOUR);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_CHALLENGE_OVER);
    assert_in("is worth nothing any more");
    STK_CLEANUP(stk_buf_release) struct stk_buf key = STK_BUF_INIT;
    stk_buf_adds(&key, stk_buf_str(&notices.list[0].key));
    ask(&after, &after, &spec, NOW + STK_HOUR + 1); /* not told again in other words */
    assert_key(stk_buf_str(&key));
}

/* --- troubles -------------------------------------------------------------- */

static void lockout__says_until_when_or_how_to_end_it(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_AUTH_LOCKED);
    struct stk_session_spec spec = duty();
    session.blocked_until = NOW + 2 * STK_HOUR;
    ask(NULL, &session, &spec, NOW);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_LOCKOUT);
    assert_in("do not sign in, it may extend the lock, until ");
    assert_not_in("unlock");
    assert_int_equal(notices.again_at, STK_NEVER);
    session.block_unknown = true;
    ask(NULL, &session, &spec, NOW);
    assert_in("stoker session unlock lab");
}

static void unreachable__is_said_after_a_while_and_so_is_its_end(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_UNREACHABLE);
    struct stk_session_spec spec = duty();
    ask(NULL, &session, &spec, NOW + 9 * STK_MINUTE);
    assert_int_equal(notices.count, 0);
    assert_int_equal(notices.again_at, NOW + 10 * STK_MINUTE);
    ask(NULL, &session, &spec, NOW + 10 * STK_MINUTE);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_UNREACHABLE);

    struct stk_session open = make(STK_SESSION_VALID);
    open.changed_at = NOW + 11 * STK_MINUTE;
    ask(&session, &open, &spec, NOW + 11 * STK_MINUTE);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_RENEWED);
    ask(&session, &open, &spec, NOW + 5 * STK_MINUTE); /* nobody was told that it was closed */
    assert_int_equal(notices.count, 0);
}

static void rejected_and_competing__have_words_of_their_own(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = duty();
    struct stk_session rejected = make(STK_SESSION_REJECTED);
    struct stk_session competing = make(STK_SESSION_COMPETING);
    ask(NULL, &rejected, &spec, NOW);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_REJECTED);
    assert_in("stoker session login lab");
    ask(NULL, &competing, &spec, NOW);
    assert_int_equal(notices.list[0].kind, STK_NOTICE_COMPETING);
    assert_in("another sign-in");
}

static void reason__comes_escaped(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_REJECTED);
    struct stk_session_spec spec = duty();
    (void)snprintf(session.reason, sizeof(session.reason), "401 \x1b[2Jno");
    ask(NULL, &session, &spec, NOW);
    assert_in("(401 \\x1b[2Jno)");
}

/* --- renewed ---------------------------------------------------------------- */

static void renewed__by_a_person_is_said_once_a_generation(void **unused)
{
    (void)unused;
    struct stk_session before = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = duty();
    session.generation = 8;
    session.renewed_at = NOW;
    (void)snprintf(session.renewed_by, sizeof(session.renewed_by), "anna");
    ask(&before, &session, &spec, NOW);
    assert_key("lab/8/renewed");
    assert_in("session \"lab\" is open, renewed by anna, for 4h (until ");
    assert_in("120 jobs go on.");
    ask(&session, &session, &spec, NOW + STK_MINUTE);
    assert_key("lab/8/renewed");
    ask(&session, &session, &spec, NOW + 3 * STK_HOUR);
    assert_string_not_equal(stk_buf_str(&notices.list[0].key), "lab/8/renewed"); /* no news */
}

static void renewed__in_silence_is_not_said(void **unused)
{
    (void)unused;
    struct stk_session before = make(STK_SESSION_RENEWING);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_CLIENT);
    session.generation = 8;
    session.renewed_at = NOW;
    ask(&before, &session, &spec, NOW);
    assert_int_equal(notices.count, 0);
}

/* --- limits ------------------------------------------------------------------ */

static void limit__is_said_when_closed_for_more_than_ten_minutes(void **unused)
{
    (void)unused;
    struct stk_limit limit;
    struct stk_limit_spec spec = { .name = (char *)(uintptr_t) "day" };
    stk_limit_init(&limit, "day");
    limit.episode = 5;
    limit.episode_at = NOW;
    limit.blocked_until = NOW + 5 * STK_MINUTE;
    stk_notices_of_limit(&limit, &spec, NOW, &notices);
    assert_int_equal(notices.count, 0);
    limit.blocked_until = NOW + STK_HOUR;
    stk_notices_of_limit(&limit, &spec, NOW, &notices);
    assert_key("limit/day/5/long");
    assert_in("stoker limits clear day");
    stk_notices_release(&notices);
    stk_notices_of_limit(&limit, &spec, NOW + 2 * STK_HOUR, &notices);
    assert_int_equal(notices.count, 0);
}

static void text__says_nothing_of_jobs_when_none_waits(void **unused)
{
    (void)unused;
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    struct stk_session_spec spec = duty();
    stk_notices_release(&notices);
    stk_notices_of_session(NULL, &session, &spec, &quiet, NOW, &notices);
    assert_string_equal(stk_buf_str(&notices.list[0].text),
                        "session \"lab\" has ended and needs a person: stoker session renew lab.");
}

/* --- what has passed ------------------------------------------------------ */

/* Of what `session` was told of, as it is a little later. */
static bool is_over(const struct stk_session *now, const struct stk_session_spec *spec)
{
    json_t *facts = NULL;
    const struct stk_notice_due *due = &notices.list[0];
    assert_int_equal(notices.count, 1);
    assert_int_equal(stk_json_parse(due->facts.data, due->facts.len, &facts, NULL), STK_OK);
    bool over = stk_notice_is_over(stk_notice_name(due->kind), facts, now, spec, NOW + STK_MINUTE);
    json_decref(facts);
    return over;
}

static void over__is_what_waits_for_a_person_when_the_session_goes_on(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = duty();
    struct stk_session session = make(STK_SESSION_NEEDS_HUMAN);
    ask(NULL, &session, &spec, NOW);
    assert_false(is_over(&session, &spec));
    session.state = STK_SESSION_REJECTED; /* still nobody can work */
    assert_false(is_over(&session, &spec));
    session.state = STK_SESSION_DISABLED;
    assert_true(is_over(&session, &spec));
    session.state = STK_SESSION_VALID;
    assert_true(is_over(&session, &spec));
    session.state = STK_SESSION_NEEDS_HUMAN; /* the next time */
    session.generation++;
    assert_true(is_over(&session, &spec));
}

static void over__is_a_link_that_is_another_one_now(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_CHALLENGE_OPEN);
    (void)snprintf(session.link, sizeof(session.link), "https://lab.example/1");
    ask(NULL, &session, &spec, NOW);
    assert_false(is_over(&session, &spec));
    (void)snprintf(session.link, sizeof(session.link), "https://lab.example/2");
    assert_true(is_over(&session, &spec));
    session.link[0] = '\0';
    session.state = STK_SESSION_AWAIT_READY;
    assert_true(is_over(&session, &spec));
}

static void over__is_a_warning_of_an_end_that_somebody_has_moved(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = duty();
    struct stk_session session = make(STK_SESSION_VALID);
    ask(NULL, &session, &spec, session.expires_at - STK_MINUTE);
    session.expires_at += STK_SECOND; /* as an authority tells it with each check */
    assert_false(is_over(&session, &spec));
    session.expires_at += STK_HOUR;
    assert_true(is_over(&session, &spec));
    session.state = STK_SESSION_NEEDS_HUMAN; /* it has ended */
    assert_true(is_over(&session, &spec));
}

static void over__is_no_warning_of_a_deadline_that_a_silent_renewal_leaves(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_VALID);
    session.expires_at = NOW + 30 * STK_MINUTE;
    session.deadline_at = NOW + 10 * STK_MINUTE;
    ask(NULL, &session, &spec, NOW);
    session.generation++;
    session.expires_at += 30 * STK_MINUTE;
    assert_false(is_over(&session, &spec));
    session.deadline_at += 7 * STK_DAY;
    assert_true(is_over(&session, &spec));
}

static void over__is_a_lock_that_has_ended_but_never_a_renewal(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = duty();
    struct stk_session session = make(STK_SESSION_AUTH_LOCKED);
    session.blocked_until = NOW + STK_HOUR;
    ask(NULL, &session, &spec, NOW);
    assert_false(is_over(&session, &spec));
    session.state = STK_SESSION_NEEDS_HUMAN;
    assert_true(is_over(&session, &spec));

    struct stk_session before = make(STK_SESSION_NEEDS_HUMAN);
    session = make(STK_SESSION_VALID);
    session.generation++;
    session.expires_at = NOW + 100 * STK_HOUR;
    ask(&before, &session, &spec, NOW);
    assert_string_equal(stk_notice_name(notices.list[0].kind), "session.renewed");
    session.generation++;
    assert_false(is_over(&session, &spec));
}

static void over__is_a_limit_that_has_opened(void **unused)
{
    (void)unused;
    json_t *facts = json_pack("{s:s}", "until", "1970-02-11T16:00:00.000Z");
    assert_true(stk_notice_is_over("limit.long", facts, NULL, NULL, NOW));
    assert_false(stk_notice_is_over("limit.long", facts, NULL, NULL, NOW - 1));
    assert_false(stk_notice_is_over("session.rejected", facts, NULL, NULL, NOW));
    assert_false(stk_notice_is_over("of.another.version", facts, NULL, NULL, NOW));
    json_decref(facts);
}

#define TEST(name) cmocka_unit_test_teardown(name, let_go)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(expiring__comes_at_each_threshold_once_and_says_when_the_next_is),
        TEST(expiring__of_a_short_life_comes_late_enough_to_be_of_use),
        TEST(expiring__says_what_to_do_and_whether_the_time_suffices),
        TEST(expiring__is_not_said_of_what_is_renewed_without_a_person),
        TEST(expiring__is_said_when_the_silent_renewal_was_in_vain),
        TEST(expiring__of_a_deadline_is_said_once_for_all_generations),
        TEST(closed__is_said_at_once_then_after_15_45_105_minutes_then_each_hour),
        TEST(closed__names_what_helps_for_each_provider),
        TEST(closed__waits_for_what_the_keeper_does_by_itself),
        TEST(closed__by_a_person_or_by_the_keeper_is_not_said),
        TEST(never_signed_in__is_said_once),
        TEST(challenge__keeps_the_link_out_of_the_text_and_in_the_facts),
        TEST(challenge__that_is_over_is_said_in_place_of_the_first_call),
        TEST(lockout__says_until_when_or_how_to_end_it),
        TEST(unreachable__is_said_after_a_while_and_so_is_its_end),
        TEST(rejected_and_competing__have_words_of_their_own),
        TEST(reason__comes_escaped),
        TEST(renewed__by_a_person_is_said_once_a_generation),
        TEST(renewed__in_silence_is_not_said),
        TEST(limit__is_said_when_closed_for_more_than_ten_minutes),
        TEST(over__is_what_waits_for_a_person_when_the_session_goes_on),
        TEST(over__is_a_link_that_is_another_one_now),
        TEST(over__is_a_warning_of_an_end_that_somebody_has_moved),
        TEST(over__is_no_warning_of_a_deadline_that_a_silent_renewal_leaves),
        TEST(over__is_a_lock_that_has_ended_but_never_a_renewal),
        TEST(over__is_a_limit_that_has_opened),
        TEST(text__says_nothing_of_jobs_when_none_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
