/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "session_make.h"

static bool feed(struct stk_session *session, const struct stk_session_spec *spec,
                 enum stk_session_event event, struct stk_session_news news, stk_time_ns now)
{
    return stk_session_next(session, spec, event, &news, now, 0);
}

static bool feed_plain(struct stk_session *session, const struct stk_session_spec *spec,
                       enum stk_session_event event, stk_time_ns now)
{
    return stk_session_next(session, spec, event, NULL, now, 0);
}

/* --- the table ------------------------------------------------------------ */

/* One letter for each event, in their order; '.' means nothing there. Lower
 * case: the state stays. The letter is the first of the next state's name, but
 * A(wait), L(ocked), O(pen challenge), F(inalizing), J(rejected), D(isabled). */
static const char letters[STK_SESSION_STATE_COUNT_ + 1] = "-VESRNAOFLUJCD";

/* clang-format off */
static const char *const pairs[STK_SESSION_STATE_COUNT_] = {
    /*                            cred rep ok lost noans soon exp dead renew refd den lock unl ask chal done over rival login ready canc pause resume */
    [STK_SESSION_NONE]           = "V..--" "....N" "JL..." "...NN" ".D.",
    [STK_SESSION_VALID]          = "VSVRU" "ERNRV" "JL..O" "..CV." ".D.",
    [STK_SESSION_EXPIRING]       = "VSVRU" ".RNRE" "JL..O" "..CE." ".D.",
    [STK_SESSION_SUSPECT]        = "V.VRU" "..NR." "JL..." "..C.." ".D.",
    [STK_SESSION_RENEWING]       = "V.VRU" "...RN" "JL..." "..C.." ".D.",
    [STK_SESSION_NEEDS_HUMAN]    = "V.VNN" "...RN" "JL.AO" "..CNN" ".D.",
    [STK_SESSION_AWAIT_READY]    = "V.VAA" "...RN" "JL..O" "..CAA" "ND.",
    [STK_SESSION_CHALLENGE_OPEN] = "V..OO" "....." "JL..." "FNC.." "ND.",
    [STK_SESSION_FINALIZING]     = "V..OF" "....." "JL..." ".NC.." "ND.",
    [STK_SESSION_AUTH_LOCKED]    = "V...." "....." ".LN.." "....." ".D.",
    [STK_SESSION_UNREACHABLE]    = "V.VRU" "..NRN" "JL..." "..CN." ".D.",
    [STK_SESSION_REJECTED]       = "V..JJ" "....." ".J..." "...N." ".D.",
    [STK_SESSION_COMPETING]      = "V.VCC" "...R." ".L..." "..CN." ".D.",
    [STK_SESSION_DISABLED]       = "D...." "....." ".D..." "....." "..N",
};
/* clang-format on */

/* All that could turn a row aside is made true: past every clock, third silence,
 * nothing to go back to. */
static struct stk_session make_plain(enum stk_session_state state)
{
    struct stk_session session = make(state);
    session.resume_state = STK_SESSION_NEEDS_HUMAN;
    session.expires_at = NOW - 1;
    session.deadline_at = NOW - 1;
    session.tries = 2;
    if (state == STK_SESSION_NONE) session.generation = 0;
    return session;
}

static void table__has_exactly_these_pairs_and_each_leads_there(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    int allowed = 0;
    for (size_t from = 0; from < STK_SESSION_STATE_COUNT_; from++) {
        assert_int_equal(strlen(pairs[from]), STK_SESSION_EVENT_COUNT_);
        for (size_t event = 0; event < STK_SESSION_EVENT_COUNT_; event++) {
            struct stk_session session = make_plain((enum stk_session_state)from);
            struct stk_session_news news = {
                .generation = session.generation,
                .expires_at = NOW + STK_HOUR,
                .by = "ops",
                .until = NOW + STK_MINUTE,
            };
            struct stk_session before = session;
            bool means = feed(&session, &spec, (enum stk_session_event)event, news, NOW);
            char wanted = pairs[from][event];
            char found = '.';
            if (means) found = letters[session.state];
            if (event == STK_SESSION_ON_CHECK_OK && found == 'E') found = 'V';
            if (found != wanted) {
                fail_msg("%s + %s: %c, not %c", stk_session_state_name(before.state),
                         stk_session_event_name((enum stk_session_event)event), found, wanted);
            }
            allowed += means;
            if (!means) assert_memory_equal(&session, &before, sizeof(session));
        }
    }
    assert_int_equal(allowed, 141);
}

static void state__closed_at_is_set_if_and_only_if_no_worker_may_start(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    for (size_t from = 0; from < STK_SESSION_STATE_COUNT_; from++) {
        for (size_t event = 0; event < STK_SESSION_EVENT_COUNT_; event++) {
            struct stk_session session = make((enum stk_session_state)from);
            stk_time_ns before = session.closed_at;
            struct stk_session_news news = { .generation = session.generation, .by = "ops" };
            (void)feed(&session, &spec, (enum stk_session_event)event, news, NOW + 5);
            bool runs = stk_session_is_runnable(session.state);
            assert_int_equal(session.closed_at == STK_NEVER, runs);
            if (!runs) assert_int_equal(session.closed_at, before == STK_NEVER ? NOW + 5 : before);
        }
    }
}

static void generation__rises_by_one_with_a_credential_and_with_nothing_else(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    for (size_t from = 0; from < STK_SESSION_STATE_COUNT_; from++) {
        for (size_t event = 0; event < STK_SESSION_EVENT_COUNT_; event++) {
            struct stk_session session = make((enum stk_session_state)from);
            int64_t before = session.generation;
            struct stk_session_news news = { .generation = before, .by = "ops" };
            bool means = feed(&session, &spec, (enum stk_session_event)event, news, NOW);
            bool rises = means && event == STK_SESSION_ON_CREDENTIAL;
            assert_int_equal(session.generation, before + rises);
        }
    }
}

/* --- reports and checks --------------------------------------------------- */

static void report__of_an_older_generation_changes_nothing(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session before = session;
    for (int64_t stale = 0; stale < 7; stale++) {
        struct stk_session_news news = { .generation = stale };
        assert_false(feed(&session, &spec, STK_SESSION_ON_REPORTED_LOST, news, NOW));
    }
    assert_memory_equal(&session, &before, sizeof(session));
}

static void suspect__that_is_still_taken_is_valid_with_the_same_generation(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_news news = { .generation = 7 };
    assert_true(feed(&session, &spec, STK_SESSION_ON_REPORTED_LOST, news, NOW));
    assert_int_equal(session.state, STK_SESSION_SUSPECT);
    assert_false(feed(&session, &spec, STK_SESSION_ON_REPORTED_LOST, news, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CHECK_OK, NOW + 1));
    assert_int_equal(session.state, STK_SESSION_VALID);
    assert_int_equal(session.generation, 7);
}

static void suspect__is_unreachable_only_after_three_silent_checks(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_SUSPECT);
    for (int i = 0; i < 2; i++) {
        assert_true(feed_plain(&session, &spec, STK_SESSION_ON_NO_ANSWER, NOW));
        assert_int_equal(session.state, STK_SESSION_SUSPECT);
        assert_true(session.try_at > NOW);
    }
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_NO_ANSWER, NOW));
    assert_int_equal(session.state, STK_SESSION_UNREACHABLE);
}

static void unreachable__backs_off_with_jitter_and_never_beyond_five_minutes(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_UNREACHABLE);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, NOW, i * 77));
        assert_true(session.try_at > NOW && session.try_at <= NOW + 5 * STK_MINUTE);
    }
    assert_true(session.try_at >= NOW + 150 * STK_SECOND);
    struct stk_session other = session;
    (void)stk_session_next(&session, &spec, STK_SESSION_ON_NO_ANSWER, NULL, NOW, 1);
    (void)stk_session_next(&other, &spec, STK_SESSION_ON_NO_ANSWER, NULL, NOW, 1000000);
    assert_int_not_equal(session.try_at, other.try_at);
}

static void check__anchors_the_end_anew(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    struct stk_session_news news = { .expires_at = NOW + 9 * STK_HOUR };
    assert_true(feed(&session, &spec, STK_SESSION_ON_CHECK_OK, news, NOW));
    assert_int_equal(session.expires_at, NOW + 9 * STK_HOUR);
    assert_int_equal(session.state, STK_SESSION_VALID);
}

static void clocks__that_have_not_come_mean_nothing(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    session.deadline_at = NOW + 1;
    assert_false(feed_plain(&session, &spec, STK_SESSION_ON_SOON, NOW));
    assert_false(feed_plain(&session, &spec, STK_SESSION_ON_EXPIRED, NOW));
    assert_false(feed_plain(&session, &spec, STK_SESSION_ON_DEADLINE, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_DEADLINE, NOW + 1));
    assert_int_equal(session.state, STK_SESSION_NEEDS_HUMAN);
}

/* --- renewal -------------------------------------------------------------- */

static void renewal__is_begun_at_most_once_in_a_generation_unless_a_person_asks(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW));
    assert_int_equal(session.renew_tried, 7);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_REFUSED, NOW));
    assert_int_equal(session.state, STK_SESSION_EXPIRING); /* the old one is still good */
    assert_false(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW));

    struct stk_session_news news = { .by = "ops" };
    assert_true(feed(&session, &spec, STK_SESSION_ON_RENEW, news, NOW));
}

static void renewal__refused_after_a_loss_needs_a_person(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CHECK_LOST, NOW));
    assert_int_equal(session.state, STK_SESSION_RENEWING);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_REFUSED, NOW));
    assert_int_equal(session.state, STK_SESSION_NEEDS_HUMAN);
}

static void renewal__that_was_throttled_may_be_begun_after_the_lock(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    struct stk_session_news news = { .until = NOW + STK_MINUTE };
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW));
    assert_true(feed(&session, &spec, STK_SESSION_ON_LOCKED, news, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_UNLOCKED, NOW + STK_MINUTE));
    assert_int_equal(session.state, STK_SESSION_EXPIRING);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW + STK_MINUTE));
}

static void deadline__is_moved_by_a_person_and_not_by_a_silent_renewal(void **unused)
{
    (void)unused;
    struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    spec.deadline_ns = 7 * STK_DAY;
    struct stk_session session = make(STK_SESSION_FINALIZING);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CREDENTIAL, NOW));
    assert_int_equal(session.deadline_at, NOW + 7 * STK_DAY);
    assert_int_equal(session.expires_at, NOW + 4 * STK_HOUR);

    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW + STK_HOUR));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CREDENTIAL, NOW + STK_HOUR));
    assert_int_equal(session.deadline_at, NOW + 7 * STK_DAY);

    struct stk_session_news news = { .by = "ops" };
    assert_true(feed(&session, &spec, STK_SESSION_ON_CREDENTIAL, news, NOW + STK_DAY));
    assert_int_equal(session.deadline_at, NOW + 8 * STK_DAY);
    assert_string_equal(session.renewed_by, "ops");
}

/* --- locks ---------------------------------------------------------------- */

static void lock__only_moves_forward(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_news later = { .until = NOW + 2 * STK_HOUR };
    struct stk_session_news sooner = { .until = NOW + STK_MINUTE };
    assert_true(feed(&session, &spec, STK_SESSION_ON_LOCKED, later, NOW));
    assert_true(feed(&session, &spec, STK_SESSION_ON_LOCKED, sooner, NOW));
    assert_int_equal(session.blocked_until, NOW + 2 * STK_HOUR);
    assert_false(feed_plain(&session, &spec, STK_SESSION_ON_UNLOCKED, NOW + 2 * STK_HOUR - 1));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_UNLOCKED, NOW + 2 * STK_HOUR));
    assert_int_equal(session.state, STK_SESSION_VALID);
}

static void lock__without_an_end_is_an_hour_doubling_to_eight_and_a_person_opens(void **unused)
{
    (void)unused;
    static const int hours[] = { 1, 2, 4, 8, 8 };
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_CHALLENGE_OPEN);
    stk_time_ns now = NOW;
    for (size_t i = 0; i < STK_ARRAY_LEN(hours); i++) {
        assert_true(feed_plain(&session, &spec, STK_SESSION_ON_LOCKED, now));
        assert_int_equal(session.blocked_until, now + hours[i] * STK_HOUR);
        now += 100 * STK_HOUR;
        assert_false(feed_plain(&session, &spec, STK_SESSION_ON_UNLOCKED, now));
        struct stk_session_news news = { .by = "ops" };
        assert_true(feed(&session, &spec, STK_SESSION_ON_UNLOCKED, news, now));
        assert_int_equal(session.state, STK_SESSION_CHALLENGE_OPEN);
    }
}

static void lock__that_says_now_again_and_again_makes_no_storm(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    stk_time_ns now = NOW;
    int rounds = 0;
    while (now < NOW + 12 * STK_HOUR) {
        struct stk_session_news news = { .until = now };
        assert_true(feed(&session, &spec, STK_SESSION_ON_LOCKED, news, now));
        now = session.blocked_until;
        assert_true(feed_plain(&session, &spec, STK_SESSION_ON_UNLOCKED, now));
        rounds++;
    }
    assert_true(rounds < 300);
}

/* --- people --------------------------------------------------------------- */

static void rejected__is_left_only_by_a_person(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    for (size_t event = 0; event < STK_SESSION_EVENT_COUNT_; event++) {
        struct stk_session session = make_plain(STK_SESSION_REJECTED);
        bool is_person = event == STK_SESSION_ON_LOGIN || event == STK_SESSION_ON_PAUSE;
        (void)feed_plain(&session, &spec, (enum stk_session_event)event, NOW);
        assert_int_equal(session.state != STK_SESSION_REJECTED, is_person);
    }
}

static void pause__leads_back_to_where_it_was(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    for (size_t i = 0; i < STK_SESSION_STATE_COUNT_; i++) {
        enum stk_session_state state = (enum stk_session_state)i;
        if (state == STK_SESSION_DISABLED || state == STK_SESSION_RENEWING) continue;
        struct stk_session session = make(state);
        if (state == STK_SESSION_AUTH_LOCKED) session.blocked_until = NOW + STK_DAY;
        assert_true(feed_plain(&session, &spec, STK_SESSION_ON_PAUSE, NOW));
        assert_int_equal(session.state, STK_SESSION_DISABLED);
        assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RESUME, NOW + 1));
        assert_int_equal(session.state, state);
    }
}

static void pause__keeps_a_credential_that_arrives_late(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RENEW, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_PAUSE, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CREDENTIAL, NOW));
    assert_int_equal(session.state, STK_SESSION_DISABLED);
    assert_int_equal(session.generation, 8);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RESUME, NOW));
    assert_int_equal(session.state, STK_SESSION_VALID);
}

static void reason__of_a_refused_renewal_is_what_a_person_reads_in_the_end(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_EXPIRING);
    const struct stk_session_news no = { .reason = "the token was revoked" };
    session.renew_tried = session.generation; /* by this renewal */
    stk_time_ns end = session.expires_at;
    assert_true(feed(&session, &spec, STK_SESSION_ON_REFUSED, no, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_EXPIRED, end));
    assert_int_equal(session.state, STK_SESSION_NEEDS_HUMAN);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_ASK_READY, end));
    assert_string_equal(session.reason, "the token was revoked");
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CHALLENGE, end));
    assert_string_equal(session.reason, "");
}

static void reason__ends_with_a_new_credential(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_OAUTH_DEVICE);
    struct stk_session session = make(STK_SESSION_VALID);
    const struct stk_session_news no = { .reason = "the token was revoked" };
    assert_true(feed(&session, &spec, STK_SESSION_ON_REFUSED, no, NOW));
    assert_string_equal(session.reason, "the token was revoked");
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CREDENTIAL, NOW));
    assert_string_equal(session.reason, "");
}

static void challenge__that_is_open_is_never_made_anew(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_AWAIT_READY);
    struct stk_session_news news = { .link = "https://lab.example/1", .by = "ops" };
    assert_true(feed(&session, &spec, STK_SESSION_ON_CHALLENGE, news, NOW));
    assert_string_equal(session.link, "https://lab.example/1");
    assert_int_equal(session.challenge_until, NOW + 30 * STK_MINUTE);
    assert_false(feed(&session, &spec, STK_SESSION_ON_CHALLENGE, news, NOW));
    assert_false(feed(&session, &spec, STK_SESSION_ON_LOGIN, news, NOW));
    assert_int_equal(session.challenges, 1);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CANCEL, NOW));
    assert_string_equal(session.link, "");
}

static void challenge__of_an_early_sign_in_that_is_dropped_leaves_the_old_session(void **unused)
{
    (void)unused;
    const struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    struct stk_session session = make(STK_SESSION_VALID);
    struct stk_session_news news = { .link = "https://lab.example/1" };
    assert_true(feed(&session, &spec, STK_SESSION_ON_CHALLENGE, news, NOW));
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CHECK_LOST, NOW)); /* not yet */
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_CANCEL, NOW));
    assert_int_equal(session.state, STK_SESSION_SUSPECT);
}

static void rival__is_fought_only_where_the_configuration_says_so(void **unused)
{
    (void)unused;
    char take[] = "take";
    struct stk_session_spec spec = make_spec(STK_PROVIDER_CHALLENGE_COOKIE);
    spec.provider = STK_PROVIDER_GATEWAY_TICKLE;
    struct stk_session session = make(STK_SESSION_VALID);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RIVAL, NOW));
    assert_int_equal(session.state, STK_SESSION_COMPETING);
    spec.competing = take;
    session = make(STK_SESSION_VALID);
    assert_true(feed_plain(&session, &spec, STK_SESSION_ON_RIVAL, NOW));
    assert_int_equal(session.state, STK_SESSION_RENEWING);
}

/* --- words ---------------------------------------------------------------- */

static void names__of_states_read_back_and_have_a_meaning(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_SESSION_STATE_COUNT_; i++) {
        enum stk_session_state state = (enum stk_session_state)i;
        enum stk_session_state back = STK_SESSION_STATE_COUNT_;
        assert_true(stk_session_state_from_name(stk_session_state_name(state), &back));
        assert_int_equal(back, state);
        assert_true(strlen(stk_session_state_meaning(state)) > 0);
    }
    enum stk_session_state none = STK_SESSION_STATE_COUNT_;
    assert_false(stk_session_state_from_name("Valid", &none));
    assert_string_equal(stk_session_event_name(STK_SESSION_ON_RIVAL), "rival");
    assert_string_equal(stk_session_act_name(STK_SESSION_ACT_KEEP_ALIVE), "keep_alive");
}

static void sentence__says_what_to_do(void **unused)
{
    (void)unused;
    char text[512];
    struct stk_session session = make(STK_SESSION_VALID);
    stk_session_sentence(&session, NOW + 48 * STK_MINUTE, text, sizeof(text));
    assert_string_equal(text, "session \"lab\" is open, ends in 3h 12m");

    session = make(STK_SESSION_CHALLENGE_OPEN);
    strncat(session.link, "https://lab.example/1", 40);
    strncat(session.code, "ABCD", 5);
    stk_session_sentence(&session, NOW, text, sizeof(text));
    assert_string_equal(text, "session \"lab\" needs a person: open https://lab.example/1 and type "
                              "ABCD, then stoker session done lab");

    session = make(STK_SESSION_AUTH_LOCKED);
    session.blocked_until = NOW + STK_HOUR;
    strncat(session.reason, "429\n", 5);
    stk_session_sentence(&session, NOW, text, sizeof(text));
    assert_string_equal(text, "session \"lab\" is locked by the authority for 1h (429\\x0a)");
    stk_session_sentence(&session, NOW, text, 12);
    assert_string_equal(text, "session \"la");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__has_exactly_these_pairs_and_each_leads_there),
        cmocka_unit_test(state__closed_at_is_set_if_and_only_if_no_worker_may_start),
        cmocka_unit_test(generation__rises_by_one_with_a_credential_and_with_nothing_else),
        cmocka_unit_test(report__of_an_older_generation_changes_nothing),
        cmocka_unit_test(suspect__that_is_still_taken_is_valid_with_the_same_generation),
        cmocka_unit_test(suspect__is_unreachable_only_after_three_silent_checks),
        cmocka_unit_test(unreachable__backs_off_with_jitter_and_never_beyond_five_minutes),
        cmocka_unit_test(check__anchors_the_end_anew),
        cmocka_unit_test(clocks__that_have_not_come_mean_nothing),
        cmocka_unit_test(renewal__is_begun_at_most_once_in_a_generation_unless_a_person_asks),
        cmocka_unit_test(renewal__refused_after_a_loss_needs_a_person),
        cmocka_unit_test(renewal__that_was_throttled_may_be_begun_after_the_lock),
        cmocka_unit_test(deadline__is_moved_by_a_person_and_not_by_a_silent_renewal),
        cmocka_unit_test(lock__only_moves_forward),
        cmocka_unit_test(lock__without_an_end_is_an_hour_doubling_to_eight_and_a_person_opens),
        cmocka_unit_test(lock__that_says_now_again_and_again_makes_no_storm),
        cmocka_unit_test(rejected__is_left_only_by_a_person),
        cmocka_unit_test(pause__leads_back_to_where_it_was),
        cmocka_unit_test(pause__keeps_a_credential_that_arrives_late),
        cmocka_unit_test(reason__of_a_refused_renewal_is_what_a_person_reads_in_the_end),
        cmocka_unit_test(reason__ends_with_a_new_credential),
        cmocka_unit_test(challenge__that_is_open_is_never_made_anew),
        cmocka_unit_test(challenge__of_an_early_sign_in_that_is_dropped_leaves_the_old_session),
        cmocka_unit_test(rival__is_fought_only_where_the_configuration_says_so),
        cmocka_unit_test(names__of_states_read_back_and_have_a_meaning),
        cmocka_unit_test(sentence__says_what_to_do),
    };
    return cmocka_run_group_tests_name("model/session", tests, NULL, NULL);
}
