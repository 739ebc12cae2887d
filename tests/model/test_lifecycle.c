/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "model/lifecycle.h"

#define NOW   (1000 * STK_SECOND)
#define LATER (NOW + STK_HOUR)

static const struct stk_retry retry = STK_RETRY_DEFAULT; /* 3 attempts, 1s..5m, 10 interruptions */

static struct stk_transition settle(enum stk_outcome outcome, uint32_t attempt,
                                    uint32_t interruptions, stk_time_ns until)
{
    const struct stk_attempt_facts facts = { .attempt = attempt,
                                             .interruptions = interruptions,
                                             .retry = &retry };
    return stk_lifecycle_settle(&facts, outcome, NOW, until, 0);
}

/* The table of design.md, section 2, by hand. With dice 0 the first backoff is
 * half of a second. */
/* clang-format off */
static const struct row {
    enum stk_outcome outcome;
    uint32_t attempt, interruptions;
    enum stk_state state;
    stk_time_ns ready_at;
    bool counts;
    enum stk_counter counter;
    bool is_held, has_note;
} table[] = {
    { STK_OUTCOME_COMPLETED,    1, 0,  STK_STATE_COMPLETED, STK_NEVER,          true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_FAILED,       1, 0,  STK_STATE_PENDING,   NOW + 500 * STK_MS, true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_FAILED,       2, 0,  STK_STATE_PENDING,   NOW + STK_SECOND,   true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_FAILED,       3, 0,  STK_STATE_FAILED,    STK_NEVER,          true,  STK_COUNTER_NONE,          false, true  },
    { STK_OUTCOME_FAILED,       4, 0,  STK_STATE_FAILED,    STK_NEVER,          true,  STK_COUNTER_NONE,          false, true  },
    { STK_OUTCOME_FAILED_FINAL, 1, 0,  STK_STATE_FAILED,    STK_NEVER,          true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_TIMED_OUT,    1, 0,  STK_STATE_PENDING,   NOW + 500 * STK_MS, true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_TIMED_OUT,    3, 0,  STK_STATE_FAILED,    STK_NEVER,          true,  STK_COUNTER_NONE,          false, true  },
    { STK_OUTCOME_THROTTLED,    3, 0,  STK_STATE_PENDING,   NOW,                false, STK_COUNTER_THROTTLES,     false, false },
    { STK_OUTCOME_SESSION_LOST, 3, 0,  STK_STATE_PENDING,   NOW,                false, STK_COUNTER_SESSION_WAITS, false, false },
    { STK_OUTCOME_INTERRUPTED,  3, 9,  STK_STATE_PENDING,   NOW,                false, STK_COUNTER_INTERRUPTIONS, false, false },
    { STK_OUTCOME_INTERRUPTED,  1, 10, STK_STATE_FAILED,    STK_NEVER,          false, STK_COUNTER_INTERRUPTIONS, false, true  },
    { STK_OUTCOME_CANCELLED,    1, 0,  STK_STATE_CANCELLED, STK_NEVER,          true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_PARKED,       3, 10, STK_STATE_RUNNING,   STK_NEVER,          true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_AMBIGUOUS,    1, 0,  STK_STATE_FAILED,    STK_NEVER,          true,  STK_COUNTER_NONE,          false, false },
    { STK_OUTCOME_UNKNOWN_TASK, 1, 0,  STK_STATE_PENDING,   STK_NEVER,          false, STK_COUNTER_NONE,          true,  false },
};
/* clang-format on */

static void settle__follows_the_table_of_the_design(void **unused)
{
    (void)unused;
    bool seen[STK_OUTCOME_COUNT_] = { false };
    for (size_t i = 0; i < STK_ARRAY_LEN(table); i++) {
        const struct row *row = &table[i];
        struct stk_transition to = settle(row->outcome, row->attempt, row->interruptions, 0);
        seen[row->outcome] = true;

        assert_int_equal(to.state, row->state);
        assert_int_equal(to.ready_at, row->ready_at);
        assert_int_equal(to.counts, row->counts);
        assert_int_equal(to.counter, row->counter);
        assert_int_equal(to.held != NULL, row->is_held);
        assert_int_equal(to.note != NULL, row->has_note);
    }
    for (size_t i = 0; i < STK_OUTCOME_COUNT_; i++) {
        assert_true(seen[i]); /* no outcome is forgotten */
    }
}

static void settle__gives_a_turn_exactly_to_pending_jobs_that_are_not_held(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_OUTCOME_COUNT_; i++) {
        for (uint32_t attempt = 1; attempt < 5; attempt++) {
            struct stk_transition to = settle((enum stk_outcome)i, attempt, attempt * 4, LATER);
            bool may_be_taken = to.state == STK_STATE_PENDING && to.held == NULL;
            assert_int_equal(to.ready_at != STK_NEVER, may_be_taken);
            assert_true(to.ready_at == STK_NEVER || to.ready_at >= NOW);
            assert_int_equal(to.state == STK_STATE_RUNNING, i == STK_OUTCOME_PARKED);
            assert_int_equal(to.counts, stk_outcome_counts((enum stk_outcome)i));
        }
    }
}

static void settle__a_failed_job_may_ask_for_a_later_try(void **unused)
{
    (void)unused;
    assert_int_equal(settle(STK_OUTCOME_FAILED, 1, 0, LATER).ready_at, LATER);
}

static void settle__a_failed_job_cannot_ask_for_less_than_its_backoff(void **unused)
{
    (void)unused;
    assert_int_equal(settle(STK_OUTCOME_FAILED, 1, 0, NOW + 1).ready_at, NOW + 500 * STK_MS);
}

static void settle__a_throttled_job_waits_until_it_was_told_to(void **unused)
{
    (void)unused;
    assert_int_equal(settle(STK_OUTCOME_THROTTLED, 1, 0, LATER).ready_at, LATER);
    assert_int_equal(settle(STK_OUTCOME_THROTTLED, 1, 0, NOW - 1).ready_at, NOW);
}

static void settle__a_job_of_an_unknown_task_is_held_by_name(void **unused)
{
    (void)unused;
    assert_string_equal(settle(STK_OUTCOME_UNKNOWN_TASK, 1, 0, 0).held, "unknown_task");
}

static void settle__a_cancel_request_wins_over_all_but_completed(void **unused)
{
    (void)unused;
    const struct stk_attempt_facts facts = { .attempt = 1,
                                             .cancel_requested = true,
                                             .retry = &retry };
    for (size_t i = 0; i < STK_OUTCOME_COUNT_; i++) {
        enum stk_outcome outcome = (enum stk_outcome)i;
        bool is_done = outcome == STK_OUTCOME_COMPLETED;
        struct stk_transition to = stk_lifecycle_settle(&facts, outcome, NOW, 0, 0);
        if (outcome == STK_OUTCOME_PARKED) continue; /* its next poll tells the authority */
        assert_int_equal(to.state, is_done ? STK_STATE_COMPLETED : STK_STATE_CANCELLED);
        assert_int_equal(to.ready_at, STK_NEVER);
        assert_null(to.held);
    }
}

static void settle__a_job_known_elsewhere_goes_on_there_and_is_never_submitted_again(void **unused)
{
    (void)unused;
    static const enum stk_outcome go_on[] = { STK_OUTCOME_THROTTLED, STK_OUTCOME_SESSION_LOST,
                                              STK_OUTCOME_INTERRUPTED, STK_OUTCOME_UNKNOWN_TASK,
                                              STK_OUTCOME_PARKED };
    const struct stk_attempt_facts facts = {
        .attempt = 3, .interruptions = 1000, .remote_known = true, .retry = &retry
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(go_on); i++) {
        struct stk_transition to = stk_lifecycle_settle(&facts, go_on[i], NOW, LATER, 0);
        assert_int_equal(to.state, STK_STATE_RUNNING);
        assert_true(to.counts);
    }
}

static void settle__one_attempt_means_never_again(void **unused)
{
    (void)unused;
    const struct stk_retry once = { .attempts_max = 1, .backoff_max_ns = STK_SECOND };
    const struct stk_attempt_facts facts = { .attempt = 1, .retry = &once };
    struct stk_transition to = stk_lifecycle_settle(&facts, STK_OUTCOME_FAILED, NOW, 0, 0);
    assert_int_equal(to.state, STK_STATE_FAILED);
}

static void actions__are_allowed_from_these_states_only(void **unused)
{
    (void)unused;
    /* clang-format off */
    static const bool allowed[STK_ACTION_COUNT_][STK_STATE_COUNT_] = {
        /*                        pending running completed failed cancelled */
        [STK_ACTION_CANCEL] = {   true,   true,   false,    false, false },
        [STK_ACTION_RETRY]  = {   false,  false,  true,     true,  true  },
    };
    /* clang-format on */
    for (size_t action = 0; action < STK_ACTION_COUNT_; action++) {
        for (size_t state = 0; state < STK_STATE_COUNT_; state++) {
            assert_int_equal(stk_lifecycle_allows((enum stk_state)state, (enum stk_action)action),
                             allowed[action][state]);
        }
    }
    assert_string_equal(stk_action_name(STK_ACTION_CANCEL), "cancel");
    assert_string_equal(stk_action_name(STK_ACTION_RETRY), "retry");
}

static void actions__retry_is_for_final_states_and_cancel_for_the_others(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        enum stk_state state = (enum stk_state)i;
        assert_int_equal(stk_lifecycle_allows(state, STK_ACTION_RETRY), stk_state_is_final(state));
        assert_int_equal(stk_lifecycle_allows(state, STK_ACTION_CANCEL),
                         !stk_state_is_final(state));
    }
}

static void names__of_states_read_back(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        enum stk_state back = STK_STATE_COUNT_;
        assert_true(stk_state_from_name(stk_state_name((enum stk_state)i), &back));
        assert_int_equal(back, i);
    }
}

static void names__of_outcomes_read_back_and_have_a_meaning(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < STK_OUTCOME_COUNT_; i++) {
        enum stk_outcome back = STK_OUTCOME_COUNT_;
        assert_true(stk_outcome_from_name(stk_outcome_name((enum stk_outcome)i), &back));
        assert_int_equal(back, i);
        assert_true(strlen(stk_outcome_meaning((enum stk_outcome)i)) > 0);
    }
}

static void names__nobody_knows_are_refused_and_change_nothing(void **unused)
{
    (void)unused;
    enum stk_state state = STK_STATE_COUNT_;
    enum stk_outcome outcome = STK_OUTCOME_COUNT_;
    assert_false(stk_state_from_name("done", &state));
    assert_false(stk_state_from_name("", &state));
    assert_false(stk_state_from_name("Pending", &state));
    assert_false(stk_outcome_from_name("lost", &outcome));
    assert_int_equal(state, STK_STATE_COUNT_);
    assert_int_equal(outcome, STK_OUTCOME_COUNT_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settle__follows_the_table_of_the_design),
        cmocka_unit_test(settle__gives_a_turn_exactly_to_pending_jobs_that_are_not_held),
        cmocka_unit_test(settle__a_failed_job_may_ask_for_a_later_try),
        cmocka_unit_test(settle__a_failed_job_cannot_ask_for_less_than_its_backoff),
        cmocka_unit_test(settle__a_throttled_job_waits_until_it_was_told_to),
        cmocka_unit_test(settle__a_job_of_an_unknown_task_is_held_by_name),
        cmocka_unit_test(settle__a_cancel_request_wins_over_all_but_completed),
        cmocka_unit_test(settle__a_job_known_elsewhere_goes_on_there_and_is_never_submitted_again),
        cmocka_unit_test(settle__one_attempt_means_never_again),
        cmocka_unit_test(actions__are_allowed_from_these_states_only),
        cmocka_unit_test(actions__retry_is_for_final_states_and_cancel_for_the_others),
        cmocka_unit_test(names__of_states_read_back),
        cmocka_unit_test(names__of_outcomes_read_back_and_have_a_meaning),
        cmocka_unit_test(names__nobody_knows_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests_name("model/lifecycle", tests, NULL, NULL);
}
