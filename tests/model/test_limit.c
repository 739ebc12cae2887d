/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "base/timetext.h"
#include "model/lifecycle.h"
#include "model/limit.h"

#define START (1795514400 * STK_SECOND) /* 2026-11-24T10:00:00Z */

/* 60/min, nothing else but the cooldown. */
static const struct stk_limit_spec rated = {
    .rate = 60,
    .per_ns = STK_MINUTE,
    .burst = 1,
    .adaptive = true,
    .cooldown_ns = 30 * STK_SECOND,
    .cooldown_max_ns = STK_HOUR,
    .learned_ttl_ns = 30 * STK_MINUTE,
};

static struct stk_limit fresh(void)
{
    struct stk_limit limit;
    stk_limit_init(&limit, "lab");
    return limit;
}

static struct stk_signal answer(enum stk_signal_kind kind, stk_time_ns sent_at)
{
    return (struct stk_signal){ .kind = kind,
                                .sent_at = sent_at,
                                .remaining = -1,
                                .reset_ns = -1,
                                .reason = "429 from lab.example" };
}

static struct stk_signal retry_after(enum stk_signal_kind kind, stk_time_ns sent_at,
                                     stk_time_ns wait)
{
    struct stk_signal signal = answer(kind, sent_at);
    signal.has_retry_after = true;
    signal.retry_after_ns = wait;
    return signal;
}

/* Sent and answered at once. */
static bool tell(struct stk_limit *limit, const struct stk_limit_spec *spec,
                 enum stk_signal_kind kind, int64_t in_use, stk_time_ns now)
{
    struct stk_signal signal = answer(kind, now);
    return stk_limit_signal(limit, spec, &signal, in_use, now, 0);
}

static void assert_admits(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          int64_t in_use, stk_time_ns now, uint32_t admits,
                          enum stk_limit_kind kind, stk_time_ns again_at)
{
    struct stk_admission admission = stk_limit_admit(limit, spec, in_use, now);
    if (admission.admits != admits || admission.kind != kind || admission.again_at != again_at) {
        fail_msg("admits %u, %s, again in %lld ms", admission.admits,
                 stk_limit_kind_name(admission.kind),
                 (long long)((admission.again_at - now) / STK_MS));
    }
}

/* --- the rate ------------------------------------------------------------- */

static void admit__without_any_part_lets_all_through(void **unused)
{
    (void)unused;
    const struct stk_limit_spec spec = { .cooldown_ns = STK_SECOND, .cooldown_max_ns = STK_HOUR };
    struct stk_limit limit = fresh();
    assert_admits(&limit, &spec, 1000, START, UINT32_MAX, STK_LIMIT_OPEN, START);
}

static void rate__lets_one_through_each_interval(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    assert_admits(&limit, &rated, 0, START, 1, STK_LIMIT_RATE, START + STK_SECOND);
    stk_limit_take(&limit, &rated, 1, START);
    assert_admits(&limit, &rated, 0, START, 0, STK_LIMIT_RATE, START + STK_SECOND);
    assert_admits(&limit, &rated, 0, START + 999 * STK_MS, 0, STK_LIMIT_RATE, START + STK_SECOND);
    assert_int_equal(stk_limit_admit(&limit, &rated, 0, START + STK_SECOND).admits, 1);
}

static void rate__lets_a_burst_through_after_idling_and_never_more(void **unused)
{
    (void)unused;
    struct stk_limit_spec spec = rated;
    spec.burst = 10;
    struct stk_limit limit = fresh();
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, START).admits, 10);
    stk_limit_take(&limit, &spec, 10, START);
    assert_admits(&limit, &spec, 0, START, 0, STK_LIMIT_RATE, START + STK_SECOND);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, START + 3500 * STK_MS).admits, 3);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, START + 12 * STK_HOUR).admits, 10);
}

static void rate__over_twelve_hours_is_the_one_configured(void **unused)
{
    (void)unused;
    struct stk_limit_spec spec = rated;
    spec.burst = 5;
    struct stk_limit limit = fresh();
    int64_t taken = 0;
    for (stk_time_ns now = START; now < START + 12 * STK_HOUR;) {
        struct stk_admission admission = stk_limit_admit(&limit, &spec, 0, now);
        stk_limit_take(&limit, &spec, admission.admits, now);
        taken += admission.admits;
        now = admission.admits > 0 ? now : admission.again_at;
    }
    assert_in_range(taken, 43200, 43200 + 5);
}

static void rate__set_by_a_person_wins(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    limit.set_per_window = 6;
    assert_int_equal(stk_limit_interval(&limit, &rated), 10 * STK_SECOND);
    tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, START);
    assert_int_equal(stk_limit_interval(&limit, &rated), 10 * STK_SECOND);
    limit.set_per_window = 0;
    assert_int_equal(stk_limit_interval(&limit, &rated), 0);
    limit.set_per_window = -1;
    assert_int_equal(stk_limit_interval(&limit, &rated), 2 * STK_SECOND);
}

/* --- throttled ------------------------------------------------------------ */

static void throttled__closes_for_as_long_as_the_answer_says(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal signal = retry_after(STK_SIGNAL_THROTTLED, START, 10 * STK_SECOND);
    assert_true(stk_limit_signal(&limit, &rated, &signal, 0, START, 0));
    assert_admits(&limit, &rated, 0, START, 0, STK_LIMIT_COOLDOWN, START + 10 * STK_SECOND);
    assert_int_equal(stk_limit_admit(&limit, &rated, 0, START + 10 * STK_SECOND).admits, 1);
    assert_string_equal(limit.reason, "429 from lab.example");
}

static void throttled__a_server_may_not_ask_for_more_than_the_maximum(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal signal = retry_after(STK_SIGNAL_THROTTLED, START, 7 * STK_DAY);
    stk_limit_signal(&limit, &rated, &signal, 0, START, 0);
    assert_int_equal(limit.blocked_until, START + STK_HOUR);
}

static void throttled__the_reset_counts_where_there_is_no_retry_after(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal signal = answer(STK_SIGNAL_THROTTLED, START);
    signal.remaining = 0;
    signal.reset_ns = 17 * STK_SECOND;
    stk_limit_signal(&limit, &rated, &signal, 0, START, 0);
    assert_int_equal(limit.blocked_until, START + 17 * STK_SECOND);
}

static void
throttled__silence_closes_for_longer_with_each_strike_and_less_after_quiet(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    stk_time_ns now = START;
    stk_time_ns wait = 30 * STK_SECOND;
    for (int i = 0; i < 12; i++) {
        assert_true(tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, now));
        assert_int_equal(limit.blocked_until - now, wait);
        wait = wait >= STK_HOUR / 2 ? STK_HOUR : 2 * wait;
        now = limit.blocked_until + STK_SECOND;
    }
    assert_int_equal(limit.strikes, 12);

    now = limit.blocked_until + 10 * 300 * STK_SECOND; /* 12 - 10 + 1 strikes */
    tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, now);
    assert_int_equal(limit.blocked_until - now, 120 * STK_SECOND);
    now = limit.blocked_until + 12 * STK_HOUR;
    tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, now);
    assert_int_equal(limit.blocked_until - now, 30 * STK_SECOND);
}

static void throttled__twenty_at_once_are_one_step_and_the_longest_wait(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    for (int64_t i = 0; i < 20; i++) {
        struct stk_signal signal = retry_after(STK_SIGNAL_THROTTLED, START - 20 * STK_MS + i,
                                               (i == 7 ? 15 : 10) * STK_SECOND);
        bool is_news = stk_limit_signal(&limit, &rated, &signal, 0, START + i * 10 * STK_MS, 0);
        assert_int_equal(is_news, i == 0);
    }
    assert_int_equal(limit.episode, 1);
    assert_int_equal(limit.strikes, 1);
    assert_int_equal(stk_limit_interval(&limit, &rated), 2 * STK_SECOND);
    assert_int_equal(limit.blocked_until, START + 15 * STK_SECOND + 70 * STK_MS);
}

static void throttled__a_late_answer_to_an_early_request_is_an_echo(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal first = retry_after(STK_SIGNAL_THROTTLED, START, 0);
    assert_true(stk_limit_signal(&limit, &rated, &first, 0, START, 0));
    struct stk_signal late = answer(STK_SIGNAL_THROTTLED, START - STK_SECOND);
    assert_false(stk_limit_signal(&limit, &rated, &late, 0, START + STK_MINUTE, 0));
    assert_int_equal(limit.episode, 1);
    assert_int_equal(limit.blocked_until, START);
    late.sent_at = START + 1;
    assert_true(stk_limit_signal(&limit, &rated, &late, 0, START + STK_MINUTE, 0));
}

static void throttled__opens_with_an_empty_bucket_that_fills_up_again(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_limit_spec spec = rated;
    spec.burst = 20;
    tell(&limit, &spec, STK_SIGNAL_THROTTLED, 0, START);
    stk_time_ns opens = limit.blocked_until;
    stk_time_ns interval = 2 * STK_SECOND; /* slowed down */
    assert_admits(&limit, &spec, 0, opens, 1, STK_LIMIT_RATE, opens + interval);
    stk_limit_take(&limit, &spec, 1, opens);
    assert_admits(&limit, &spec, 0, opens, 0, STK_LIMIT_RATE, opens + interval);
    assert_admits(&limit, &spec, 0, opens + interval, 1, STK_LIMIT_RATE, opens + 2 * interval);
    stk_time_ns later = opens + STK_HOUR;
    assert_admits(&limit, &spec, 0, later, 20, STK_LIMIT_RATE, later + interval);
}

static void aimd__doubles_up_to_a_bound_and_recovers_step_by_step(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    stk_time_ns now = START;
    for (int i = 0; i < 10; i++) {
        tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, now);
        now = limit.blocked_until + STK_SECOND;
    }
    assert_int_equal(stk_limit_interval(&limit, &rated), 64 * STK_SECOND);

    stk_time_ns before = 64 * STK_SECOND;
    for (; now < START + 24 * STK_HOUR; now += STK_SECOND) {
        tell(&limit, &rated, STK_SIGNAL_OK, 0, now);
        stk_time_ns interval = stk_limit_interval(&limit, &rated);
        assert_true(interval == before || interval == before - STK_SECOND / 2);
        before = interval;
    }
    assert_int_equal(before, STK_SECOND);
}

static void aimd__one_success_in_a_wave_does_not_undo_it(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    tell(&limit, &rated, STK_SIGNAL_THROTTLED, 0, START);
    struct stk_signal early = answer(STK_SIGNAL_OK, START - STK_SECOND);
    assert_false(stk_limit_signal(&limit, &rated, &early, 0, START + STK_SECOND, 0));
    assert_false(stk_limit_signal(&limit, &rated, &early, 0, START + STK_HOUR, 0));
    assert_int_equal(stk_limit_interval(&limit, &rated), 2 * STK_SECOND);
    assert_int_equal(limit.blocked_until, START + 30 * STK_SECOND);
}

static void aimd__a_fixed_rate_stays(void **unused)
{
    (void)unused;
    struct stk_limit_spec spec = rated;
    spec.adaptive = false;
    struct stk_limit limit = fresh();
    tell(&limit, &spec, STK_SIGNAL_THROTTLED, 0, START);
    assert_int_equal(stk_limit_interval(&limit, &spec), STK_SECOND);
}

static void ok__the_last_of_a_window_closes_until_the_reset(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal signal = retry_after(STK_SIGNAL_OK, START, STK_MINUTE); /* 202: poll later */
    stk_limit_signal(&limit, &rated, &signal, 0, START, 0);
    assert_int_equal(limit.blocked_until, 0);
    signal.remaining = 0;
    signal.reset_ns = 20 * STK_SECOND;
    assert_false(stk_limit_signal(&limit, &rated, &signal, 0, START, 0));
    assert_int_equal(limit.blocked_until, START + 20 * STK_SECOND);
    assert_int_equal(limit.episode, 0);
}

static void ok__the_last_of_a_window_does_not_speak_over_a_refusal(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    struct stk_signal refused = retry_after(STK_SIGNAL_THROTTLED, START, STK_SECOND);
    struct stk_signal last = answer(STK_SIGNAL_OK, START);
    (void)snprintf(refused.reason, sizeof(refused.reason), "DAILY_LIMIT_EXCEEDED");
    last.remaining = 0;
    last.reset_ns = 20 * STK_SECOND;
    stk_limit_signal(&limit, &rated, &refused, 0, START, 0);
    stk_limit_signal(&limit, &rated, &last, 0, START, 0);
    assert_int_equal(limit.blocked_until, START + 20 * STK_SECOND);
    assert_string_equal(limit.reason, "DAILY_LIMIT_EXCEEDED");
}

/* --- turns ---------------------------------------------------------------- */

static void turns__of_fifty_jobs_come_after_the_wait_and_one_interval_apart(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    stk_time_ns before = 0;
    for (uint64_t i = 0; i < 50; i++) {
        struct stk_signal signal = retry_after(STK_SIGNAL_THROTTLED, START, 10 * STK_SECOND);
        stk_limit_signal(&limit, &rated, &signal, 0, START, i * 1234567891011);
        stk_time_ns turn = stk_limit_turn(&limit, &rated, START, i * 9876543210123);
        assert_true(turn >= START + 10 * STK_SECOND);
        if (i == 0) assert_true(turn <= START + 12 * STK_SECOND);
        if (i > 0) assert_true(turn - before >= 2 * STK_SECOND); /* T has doubled */
        before = turn;
    }
    assert_true(before <= START + (12 + 49 * 2) * STK_SECOND);
}

static void turns__without_a_rate_are_spaced_by_a_part_of_the_cooldown(void **unused)
{
    (void)unused;
    static const struct {
        stk_time_ns cooldown, apart;
    } rows[] = { { 30 * STK_SECOND, 600 * STK_MS },
                 { 10 * STK_MS, 20 * STK_MS },
                 { STK_HOUR, STK_SECOND } };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        const struct stk_limit_spec spec = { .cooldown_ns = rows[i].cooldown,
                                             .cooldown_max_ns = STK_HOUR };
        struct stk_limit limit = fresh();
        stk_time_ns first = stk_limit_turn(&limit, &spec, START, 7);
        assert_int_equal(first, START);
        assert_int_equal(stk_limit_turn(&limit, &spec, START, 99) - first, rows[i].apart);
    }
}

static void turns__jitter_only_adds_and_at_most_a_fifth_and_thirty_seconds(void **unused)
{
    (void)unused;
    static const stk_time_ns waits[] = { 0, STK_SECOND, STK_MINUTE, STK_HOUR };
    for (size_t i = 0; i < STK_ARRAY_LEN(waits); i++) {
        stk_time_ns most = waits[i] / 5 < 30 * STK_SECOND ? waits[i] / 5 : 30 * STK_SECOND;
        for (uint64_t dice = 0; dice < 500; dice++) {
            struct stk_limit limit = fresh();
            limit.blocked_until = START + waits[i];
            stk_time_ns turn = stk_limit_turn(&limit, &rated, START, dice * 7919 * 1000003);
            assert_in_range(turn - limit.blocked_until, 0, most);
        }
    }
}

static void turns__are_taken_through_ordinary_admission(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    stk_time_ns turn = stk_limit_turn(&limit, &rated, START, 0);
    assert_int_equal(stk_limit_admit(&limit, &rated, 0, turn).admits, 1);
}

/* --- slots ---------------------------------------------------------------- */

static const struct stk_limit_spec slotted = {
    .concurrency = 5,
    .cooldown_ns = 30 * STK_SECOND,
    .cooldown_max_ns = STK_HOUR,
    .learned_ttl_ns = 30 * STK_MINUTE,
};

static void slots__admit_what_is_free(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    assert_admits(&limit, &slotted, 0, START, 5, STK_LIMIT_SLOTS, STK_NEVER);
    assert_admits(&limit, &slotted, 5, START, 0, STK_LIMIT_SLOTS, STK_NEVER);
    assert_admits(&limit, &slotted, 9, START, 0, STK_LIMIT_SLOTS, STK_NEVER);
    limit.set_concurrency = 7;
    assert_admits(&limit, &slotted, 5, START, 2, STK_LIMIT_SLOTS, STK_NEVER);
    limit.set_concurrency = 0;
    assert_admits(&limit, &slotted, 5, START, UINT32_MAX, STK_LIMIT_OPEN, START);
}

static void slots__full_lowers_the_cap_which_is_probed_and_restored(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    assert_true(tell(&limit, &slotted, STK_SIGNAL_SLOTS_FULL, 2, START));
    assert_int_equal(limit.blocked_until, 0);
    assert_admits(&limit, &slotted, 2, START, 0, STK_LIMIT_SLOTS, START + 5 * STK_MINUTE);
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, START + 5 * STK_MINUTE), 3);
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, START + 10 * STK_MINUTE), 4);
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, START + 15 * STK_MINUTE), 5);
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, START + 12 * STK_HOUR), 5);

    struct stk_limit_spec spec = slotted;
    spec.concurrency = 100;
    assert_int_equal(stk_limit_concurrency(&limit, &spec, START + 29 * STK_MINUTE), 7);
    assert_admits(&limit, &spec, 7, START + 29 * STK_MINUTE, 0, STK_LIMIT_SLOTS,
                  START + 30 * STK_MINUTE);
    assert_int_equal(stk_limit_concurrency(&limit, &spec, START + 30 * STK_MINUTE), 100);
}

static void slots__full_again_at_the_probe_lowers_it_again(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    tell(&limit, &slotted, STK_SIGNAL_SLOTS_FULL, 2, START);
    stk_time_ns now = START + 6 * STK_MINUTE;
    assert_true(tell(&limit, &slotted, STK_SIGNAL_SLOTS_FULL, 2, now));
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, now), 2);
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, now + 5 * STK_MINUTE), 3);
}

static void slots__twenty_refused_at_once_are_one_episode_and_the_lowest_count(void **unused)
{
    (void)unused;
    struct stk_limit_spec spec = slotted;
    spec.concurrency = 30;
    struct stk_limit limit = fresh();
    for (int64_t i = 0; i < 20; i++) {
        struct stk_signal signal = answer(STK_SIGNAL_SLOTS_FULL, START - STK_MS);
        bool is_news = stk_limit_signal(&limit, &spec, &signal, 22 - i, START + i * STK_MS, 0);
        assert_int_equal(is_news, i == 0);
    }
    assert_int_equal(limit.episode, 1);
    assert_int_equal(stk_limit_concurrency(&limit, &spec, START + STK_SECOND), 3);
}

static void slots__full_while_none_is_ours_cools_down(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    assert_true(tell(&limit, &slotted, STK_SIGNAL_SLOTS_FULL, 0, START));
    assert_int_equal(stk_limit_concurrency(&limit, &slotted, START), 1);
    assert_admits(&limit, &slotted, 0, START, 0, STK_LIMIT_COOLDOWN, START + 30 * STK_SECOND);
}

/* --- the quota ------------------------------------------------------------ */

/* 10 a day, of New York when the zone is there. */
static struct stk_limit_spec make_daily(void)
{
    struct stk_limit_spec spec = { .quota = 10,
                                   .quota_ns = STK_DAY,
                                   .cooldown_ns = 30 * STK_SECOND,
                                   .cooldown_max_ns = STK_HOUR };
    if (stk_zone_open("America/New_York", &spec.rules, NULL) != STK_OK) skip();
    return spec;
}

static stk_time_ns at(const char *text)
{
    stk_time_ns time = 0;
    assert_true(stk_time_parse(text, &time));
    return time;
}

static void quota__counts_attempts_until_midnight_of_its_zone(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_limit_spec_release) struct stk_limit_spec spec = make_daily();
    stk_time_ns reset = START + 19 * STK_HOUR; /* 05:00 UTC */
    struct stk_limit limit = fresh();
    assert_admits(&limit, &spec, 0, START, 10, STK_LIMIT_QUOTA, reset);
    stk_limit_take(&limit, &spec, 7, START);
    stk_limit_take(&limit, &spec, 3, START + STK_HOUR);
    assert_admits(&limit, &spec, 0, START + STK_HOUR, 0, STK_LIMIT_QUOTA, reset);
    assert_admits(&limit, &spec, 0, reset - 1, 0, STK_LIMIT_QUOTA, reset);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, reset).admits, 10);
    stk_limit_take(&limit, &spec, 1, reset);
    assert_int_equal(limit.used, 1);
}

static void quota__days_of_23_and_25_hours_are_one_window(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_limit_spec_release) struct stk_limit_spec spec = make_daily();
    assert_int_equal(stk_limit_reset_at(&spec, at("2026-03-08T05:00:00Z")),
                     at("2026-03-09T04:00:00Z"));
    assert_int_equal(stk_limit_reset_at(&spec, at("2026-11-01T04:00:00Z")),
                     at("2026-11-02T05:00:00Z"));
    struct stk_limit limit = fresh();
    stk_limit_take(&limit, &spec, 10, at("2026-11-01T04:00:00Z"));
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, at("2026-11-02T04:59:59Z")).admits, 0);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, at("2026-11-02T05:00:00Z")).admits, 10);
}

static void quota__of_an_hour_begins_with_the_hour(void **unused)
{
    (void)unused;
    const struct stk_limit_spec spec = { .quota = 3, .quota_ns = STK_HOUR };
    struct stk_limit limit = fresh();
    stk_limit_take(&limit, &spec, 3, START + 59 * STK_MINUTE);
    assert_admits(&limit, &spec, 0, START + 59 * STK_MINUTE, 0, STK_LIMIT_QUOTA, START + STK_HOUR);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, START + STK_HOUR).admits, 3);
}

static void quota__spent_stays_so_whatever_later_answers_say(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_limit_spec_release) struct stk_limit_spec spec = make_daily();
    stk_time_ns reset = START + 19 * STK_HOUR;
    struct stk_limit limit = fresh();
    assert_true(tell(&limit, &spec, STK_SIGNAL_QUOTA, 0, START));
    assert_false(tell(&limit, &spec, STK_SIGNAL_QUOTA, 0, START + STK_SECOND));
    for (stk_time_ns now = START + STK_MINUTE; now < reset; now += STK_MINUTE) {
        enum stk_signal_kind kind =
            now % (2 * STK_MINUTE) == 0 ? STK_SIGNAL_SLOTS_FULL : STK_SIGNAL_THROTTLED;
        struct stk_signal signal = retry_after(kind, now, STK_SECOND);
        assert_false(stk_limit_signal(&limit, &spec, &signal, 1, now, 0));
        tell(&limit, &spec, STK_SIGNAL_OK, 0, now);
        assert_int_equal(stk_limit_admit(&limit, &spec, 0, now).admits, 0);
    }
    assert_int_equal(limit.episode, 1);
    assert_int_equal(limit.cap_learned, 0);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, reset).admits, 10);
    assert_true(stk_limit_turn(&limit, &spec, START, 0) >= reset);
}

static void quota__a_refusal_of_yesterday_does_not_close_today(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_limit_spec_release) struct stk_limit_spec spec = make_daily();
    stk_time_ns midnight = START + 19 * STK_HOUR;
    struct stk_limit limit = fresh();
    struct stk_signal signal = answer(STK_SIGNAL_QUOTA, midnight - STK_SECOND);
    stk_limit_signal(&limit, &spec, &signal, 0, midnight + STK_SECOND, 0);
    assert_true(limit.blocked_until <= midnight + STK_MINUTE);
    signal.sent_at = midnight + 40 * STK_SECOND; /* their clock is behind ours */
    stk_limit_signal(&limit, &spec, &signal, 0, midnight + 40 * STK_SECOND, 0);
    assert_true(limit.blocked_until <= midnight + 2 * STK_MINUTE);
    signal.sent_at = midnight + 3 * STK_MINUTE;
    stk_limit_signal(&limit, &spec, &signal, 0, midnight + 3 * STK_MINUTE, 0);
    assert_int_equal(limit.blocked_until, midnight + STK_DAY);
}

static void quota__set_by_a_person_wins_where_there_is_no_rate(void **unused)
{
    (void)unused;
    const struct stk_limit_spec spec = { .quota = 10, .quota_ns = STK_DAY };
    struct stk_limit limit = fresh();
    stk_limit_take(&limit, &spec, 10, START);
    limit.set_per_window = 12;
    assert_int_equal(stk_limit_quota(&limit, &spec), 12);
    assert_int_equal(stk_limit_admit(&limit, &spec, 0, START).admits, 2);
    assert_int_equal(stk_limit_interval(&limit, &spec), 0);
}

static void quota__nobody_configured_is_latched_until_midnight_utc_or_as_said(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    tell(&limit, &rated, STK_SIGNAL_QUOTA, 0, START);
    assert_int_equal(limit.blocked_until, START + 14 * STK_HOUR);
    limit = fresh();
    struct stk_signal signal = retry_after(STK_SIGNAL_QUOTA, START, 5 * STK_HOUR);
    stk_limit_signal(&limit, &rated, &signal, 0, START, 0);
    assert_int_equal(limit.blocked_until, START + 5 * STK_HOUR);
}

/* --- the breaker ---------------------------------------------------------- */

static const struct stk_limit_spec broken = {
    .cooldown_ns = 30 * STK_SECOND,
    .cooldown_max_ns = STK_HOUR,
    .breaker_errors = 5,
    .breaker_within_ns = 120 * STK_SECOND,
    .breaker_open_ns = 300 * STK_SECOND,
};

/* Five errors in five seconds; returns when the fifth came. */
static stk_time_ns open_breaker(struct stk_limit *limit)
{
    stk_time_ns now = START;
    for (int i = 0; i < 4; i++, now += STK_SECOND) {
        assert_false(tell(limit, &broken, STK_SIGNAL_ERROR, 0, now));
    }
    assert_true(tell(limit, &broken, STK_SIGNAL_ERROR, 0, now));
    return now;
}

static void breaker__opens_once_and_lets_one_probe_through(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    stk_time_ns now = open_breaker(&limit);
    stk_time_ns until = limit.blocked_until;
    assert_in_range(until - now, 300 * STK_SECOND, 330 * STK_SECOND);
    assert_false(tell(&limit, &broken, STK_SIGNAL_ERROR, 0, now + STK_SECOND));
    assert_admits(&limit, &broken, 0, now, 0, STK_LIMIT_BREAKER, until);

    struct stk_admission half = stk_limit_admit(&limit, &broken, 40, until);
    assert_int_equal(half.admits, 1);
    stk_limit_take(&limit, &broken, 1, until);
    assert_admits(&limit, &broken, 41, until, 0, STK_LIMIT_BREAKER, until + 300 * STK_SECOND);

    struct stk_signal old = answer(STK_SIGNAL_OK, START - STK_HOUR);
    assert_false(stk_limit_signal(&limit, &broken, &old, 0, until + 1, 0));
    struct stk_signal probe = answer(STK_SIGNAL_OK, until);
    assert_true(stk_limit_signal(&limit, &broken, &probe, 0, until + STK_SECOND, 0));
    assert_int_equal(stk_limit_admit(&limit, &broken, 0, until + STK_SECOND).admits, UINT32_MAX);
}

static void breaker__a_failing_probe_opens_it_again(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    open_breaker(&limit);
    stk_time_ns until = limit.blocked_until;
    stk_limit_take(&limit, &broken, 1, until);
    struct stk_signal probe = answer(STK_SIGNAL_ERROR, until);
    assert_true(stk_limit_signal(&limit, &broken, &probe, 0, until + STK_SECOND, 5));
    assert_true(limit.blocked_until >= until + 301 * STK_SECOND);
    assert_int_equal(stk_limit_admit(&limit, &broken, 0, limit.blocked_until).admits, 1);
}

static void breaker__a_lost_probe_is_followed_by_another(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    open_breaker(&limit);
    stk_time_ns until = limit.blocked_until;
    stk_limit_take(&limit, &broken, 1, until);
    assert_int_equal(stk_limit_admit(&limit, &broken, 0, until + 299 * STK_SECOND).admits, 0);
    assert_int_equal(stk_limit_admit(&limit, &broken, 0, until + 300 * STK_SECOND).admits, 1);
}

static void breaker__errors_far_apart_do_not_open_it(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    for (stk_time_ns now = START; now < START + 12 * STK_HOUR; now += 40 * STK_SECOND) {
        assert_false(tell(&limit, &broken, STK_SIGNAL_ERROR, 0, now));
    }
    assert_int_equal(limit.blocked_until, 0);
}

static void breaker__without_one_errors_change_nothing(void **unused)
{
    (void)unused;
    struct stk_limit limit = fresh();
    for (int i = 0; i < 100; i++) {
        assert_false(tell(&limit, &rated, STK_SIGNAL_ERROR, 0, START + i));
    }
    assert_int_equal(limit.blocked_until, 0);
}

/* --- all together --------------------------------------------------------- */

/* What must hold, whatever happens: eight seeds, each some days of nonsense. */
static void check_invariants(const struct stk_limit_spec *spec, uint64_t seed)
{
    struct stk_seeded dice;
    stk_seeded_init(&dice, seed);
    struct stk_limit limit = fresh();
    stk_time_ns now = START;
    stk_time_ns turn_before = 0;
    stk_time_ns apart = 0;
    int64_t in_use = 0;
    for (int i = 0; i < 20000; i++) {
        now += (stk_time_ns)stk_seeded_below(&dice, 60 * (uint64_t)STK_SECOND);
        struct stk_limit before = limit;
        struct stk_admission admission = stk_limit_admit(&limit, spec, in_use, now);
        uint32_t cap = stk_limit_concurrency(&limit, spec, now);
        assert_true(cap >= 1 && cap <= spec->concurrency);
        assert_true(admission.admits == 0 || in_use + admission.admits <= cap);
        assert_true(admission.admits == 0 || now >= limit.blocked_until);
        assert_true(admission.again_at == STK_NEVER || admission.again_at >= now);
        assert_true(admission.admits <= spec->burst);

        stk_limit_take(&limit, spec, admission.admits, now);
        in_use += admission.admits;
        assert_true(limit.used <= spec->quota);

        stk_time_ns sent = now - (stk_time_ns)stk_seeded_below(&dice, 90 * (uint64_t)STK_SECOND);
        struct stk_signal signal = answer((enum stk_signal_kind)stk_seeded_below(&dice, 6), sent);
        if (signal.kind == STK_SIGNAL_QUOTA && stk_seeded_below(&dice, 20) > 0) continue;
        signal.has_retry_after = stk_seeded_below(&dice, 2) == 0;
        signal.retry_after_ns = (stk_time_ns)stk_seeded_below(&dice, 100 * (uint64_t)STK_SECOND);
        signal.remaining = (int64_t)stk_seeded_below(&dice, 3) - 1;
        signal.reset_ns = (stk_time_ns)stk_seeded_below(&dice, 30 * (uint64_t)STK_SECOND);
        bool is_refusal = signal.kind > STK_SIGNAL_OK;
        if (in_use > 0) in_use--;
        (void)stk_limit_signal(&limit, spec, &signal, in_use, now,
                               stk_seeded_below(&dice, 1 << 30));
        assert_true(limit.blocked_until >= before.blocked_until);
        assert_true(limit.episode - before.episode <= 1);
        stk_time_ns interval = stk_limit_interval(&limit, spec);
        assert_in_range(interval, STK_SECOND, 64 * STK_SECOND);
        if (!is_refusal) continue;

        stk_time_ns turn = stk_limit_turn(&limit, spec, now, stk_seeded_below(&dice, 1 << 30));
        assert_true(turn >= now && turn >= limit.blocked_until);
        assert_true(turn - turn_before >= apart);
        turn_before = turn;
        apart = interval;
    }
}

static void limit__keeps_its_promises_through_random_signals(void **unused)
{
    (void)unused;
    struct stk_limit_spec spec = rated;
    spec.burst = 4;
    spec.concurrency = 6;
    spec.quota = 500;
    spec.quota_ns = STK_DAY;
    spec.breaker_errors = 5;
    spec.breaker_within_ns = 120 * STK_SECOND;
    spec.breaker_open_ns = 300 * STK_SECOND;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        check_invariants(&spec, seed);
    }
}

static void sentence__says_what_keeps_more_from_starting(void **unused)
{
    (void)unused;
    char text[300];
    struct stk_limit limit = fresh();
    struct stk_signal signal = retry_after(STK_SIGNAL_THROTTLED, START, 12 * STK_SECOND);
    stk_limit_signal(&limit, &rated, &signal, 0, START, 0);
    stk_limit_sentence(&limit, &rated, 0, START, text, sizeof(text));
    assert_string_equal(text, "limit \"lab\": cooldown for 12s (429 from lab.example)");
    stk_limit_sentence(&limit, &rated, 0, START, text, 10);
    assert_string_equal(text, "limit \"la");

    limit = fresh();
    stk_limit_sentence(&limit, &slotted, 2, START, text, sizeof(text));
    assert_string_equal(text, "limit \"lab\": open, 2 of 5 slots in use");
    stk_limit_sentence(&limit, &slotted, 5, START, text, sizeof(text));
    assert_string_equal(text, "limit \"lab\": 5 of 5 slots in use");
    stk_limit_take(&limit, &rated, 1, START);
    stk_limit_sentence(&limit, &rated, 0, START, text, sizeof(text));
    assert_string_equal(text, "limit \"lab\": next turn in 1s, one each 1s");

    const struct stk_limit_spec hourly = { .quota = 1, .quota_ns = STK_HOUR };
    stk_limit_sentence(&limit, &hourly, 0, START, text, sizeof(text));
    assert_string_equal(text, "limit \"lab\": the quota of 1 is used up for 1h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admit__without_any_part_lets_all_through),
        cmocka_unit_test(rate__lets_one_through_each_interval),
        cmocka_unit_test(rate__lets_a_burst_through_after_idling_and_never_more),
        cmocka_unit_test(rate__over_twelve_hours_is_the_one_configured),
        cmocka_unit_test(rate__set_by_a_person_wins),
        cmocka_unit_test(throttled__closes_for_as_long_as_the_answer_says),
        cmocka_unit_test(throttled__a_server_may_not_ask_for_more_than_the_maximum),
        cmocka_unit_test(throttled__the_reset_counts_where_there_is_no_retry_after),
        cmocka_unit_test(
            throttled__silence_closes_for_longer_with_each_strike_and_less_after_quiet),
        cmocka_unit_test(throttled__twenty_at_once_are_one_step_and_the_longest_wait),
        cmocka_unit_test(throttled__a_late_answer_to_an_early_request_is_an_echo),
        cmocka_unit_test(throttled__opens_with_an_empty_bucket_that_fills_up_again),
        cmocka_unit_test(aimd__doubles_up_to_a_bound_and_recovers_step_by_step),
        cmocka_unit_test(aimd__one_success_in_a_wave_does_not_undo_it),
        cmocka_unit_test(aimd__a_fixed_rate_stays),
        cmocka_unit_test(ok__the_last_of_a_window_closes_until_the_reset),
        cmocka_unit_test(ok__the_last_of_a_window_does_not_speak_over_a_refusal),
        cmocka_unit_test(turns__of_fifty_jobs_come_after_the_wait_and_one_interval_apart),
        cmocka_unit_test(turns__without_a_rate_are_spaced_by_a_part_of_the_cooldown),
        cmocka_unit_test(turns__jitter_only_adds_and_at_most_a_fifth_and_thirty_seconds),
        cmocka_unit_test(turns__are_taken_through_ordinary_admission),
        cmocka_unit_test(slots__admit_what_is_free),
        cmocka_unit_test(slots__full_lowers_the_cap_which_is_probed_and_restored),
        cmocka_unit_test(slots__full_again_at_the_probe_lowers_it_again),
        cmocka_unit_test(slots__twenty_refused_at_once_are_one_episode_and_the_lowest_count),
        cmocka_unit_test(slots__full_while_none_is_ours_cools_down),
        cmocka_unit_test(quota__counts_attempts_until_midnight_of_its_zone),
        cmocka_unit_test(quota__days_of_23_and_25_hours_are_one_window),
        cmocka_unit_test(quota__of_an_hour_begins_with_the_hour),
        cmocka_unit_test(quota__spent_stays_so_whatever_later_answers_say),
        cmocka_unit_test(quota__a_refusal_of_yesterday_does_not_close_today),
        cmocka_unit_test(quota__set_by_a_person_wins_where_there_is_no_rate),
        cmocka_unit_test(quota__nobody_configured_is_latched_until_midnight_utc_or_as_said),
        cmocka_unit_test(breaker__opens_once_and_lets_one_probe_through),
        cmocka_unit_test(breaker__a_failing_probe_opens_it_again),
        cmocka_unit_test(breaker__a_lost_probe_is_followed_by_another),
        cmocka_unit_test(breaker__errors_far_apart_do_not_open_it),
        cmocka_unit_test(breaker__without_one_errors_change_nothing),
        cmocka_unit_test(limit__keeps_its_promises_through_random_signals),
        cmocka_unit_test(sentence__says_what_keeps_more_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
