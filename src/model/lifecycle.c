/* SPDX-License-Identifier: MIT */
#include "model/lifecycle.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_final;
} states[] = {
#define STATE_ROW(name, text, final) [STK_STATE_##name] = { text, final },
    STK_STATE_MAP(STATE_ROW)
#undef STATE_ROW
};
_Static_assert(STK_ARRAY_LEN(states) == STK_STATE_COUNT_, "one row per state");

static const struct {
    const char *name;
    bool counts;
    enum stk_counter counter;
    const char *meaning;
} outcomes[] = {
#define OUTCOME_ROW(name, text, counts, counter, meaning) \
    [STK_OUTCOME_##name] = { text, counts, STK_COUNTER_##counter, meaning },
    STK_OUTCOME_MAP(OUTCOME_ROW)
#undef OUTCOME_ROW
};
_Static_assert(STK_ARRAY_LEN(outcomes) == STK_OUTCOME_COUNT_, "one row per outcome");

/* What may be used up, so that a job does not go round for ever. */
enum bound { BOUND_NONE, BOUND_ATTEMPTS, BOUND_INTERRUPTIONS };

/* From when the next worker may take it. */
enum ready { READY_NEVER, READY_NOW, READY_BACKOFF, READY_UNTIL };

#define NOTE_ATTEMPTS      "attempts used up"
#define NOTE_INTERRUPTIONS "interrupted too often: its pool stopped or died each time"

/* Whether the attempt counts and which counter rises stands in STK_OUTCOME_MAP. */
/* clang-format off */
static const struct rule {
    enum stk_state next;    /* as long as the bound is not reached */
    enum bound bound;
    enum stk_state used_up; /* once it is */
    enum ready ready;       /* if pending */
    const char *held;       /* if pending */
    const char *note;       /* if used up */
    bool goes_on;           /* RUNNING instead, of a job that runs elsewhere */
} rules[] = {
    [STK_OUTCOME_COMPLETED]    = { STK_STATE_COMPLETED, BOUND_NONE,          STK_STATE_COMPLETED, READY_NEVER,   NULL,           NULL,               false },
    [STK_OUTCOME_FAILED]       = { STK_STATE_PENDING,   BOUND_ATTEMPTS,      STK_STATE_FAILED,    READY_BACKOFF, NULL,           NOTE_ATTEMPTS,      false },
    [STK_OUTCOME_FAILED_FINAL] = { STK_STATE_FAILED,    BOUND_NONE,          STK_STATE_FAILED,    READY_NEVER,   NULL,           NULL,               false },
    [STK_OUTCOME_TIMED_OUT]    = { STK_STATE_PENDING,   BOUND_ATTEMPTS,      STK_STATE_FAILED,    READY_BACKOFF, NULL,           NOTE_ATTEMPTS,      false },
    [STK_OUTCOME_THROTTLED]    = { STK_STATE_PENDING,   BOUND_NONE,          STK_STATE_PENDING,   READY_UNTIL,   NULL,           NULL,               true },
    [STK_OUTCOME_SESSION_LOST] = { STK_STATE_PENDING,   BOUND_NONE,          STK_STATE_PENDING,   READY_NOW,     NULL,           NULL,               true },
    [STK_OUTCOME_INTERRUPTED]  = { STK_STATE_PENDING,   BOUND_INTERRUPTIONS, STK_STATE_FAILED,    READY_NOW,     NULL,           NOTE_INTERRUPTIONS, true },
    [STK_OUTCOME_CANCELLED]    = { STK_STATE_CANCELLED, BOUND_NONE,          STK_STATE_CANCELLED, READY_NEVER,   NULL,           NULL,               false },
    [STK_OUTCOME_UNKNOWN_TASK] = { STK_STATE_PENDING,   BOUND_NONE,          STK_STATE_PENDING,   READY_NEVER,   "unknown_task", NULL,               true },
    [STK_OUTCOME_PARKED]       = { STK_STATE_RUNNING,   BOUND_NONE,          STK_STATE_RUNNING,   READY_NEVER,   NULL,           NULL,               true },
    [STK_OUTCOME_AMBIGUOUS]    = { STK_STATE_FAILED,    BOUND_NONE,          STK_STATE_FAILED,    READY_NEVER,   NULL,           NULL,               false },
};

static const struct {
    const char *name;
    bool from[STK_STATE_COUNT_]; /* pending, running, completed, failed, cancelled */
} actions[] = {
    [STK_ACTION_CANCEL] = { "cancel", { true,  true,  false, false, false } },
    [STK_ACTION_RETRY]  = { "retry",  { false, false, true,  true,  true  } },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(rules) == STK_OUTCOME_COUNT_, "one rule per outcome");
_Static_assert(STK_ARRAY_LEN(actions) == STK_ACTION_COUNT_, "one row per action");

static bool is_used_up(const struct stk_attempt_facts *facts, enum bound bound)
{
    switch (bound) {
    case BOUND_ATTEMPTS: return facts->attempt >= facts->retry->attempts_max;
    case BOUND_INTERRUPTIONS: return facts->interruptions >= facts->retry->interruptions_max;
    case BOUND_NONE: break;
    }
    return false;
}

static stk_time_ns later_of(stk_time_ns a, stk_time_ns b)
{
    return a > b ? a : b;
}

static stk_time_ns ready_at(enum ready ready, const struct stk_attempt_facts *facts,
                            stk_time_ns now, stk_time_ns until, uint64_t dice)
{
    switch (ready) {
    case READY_NOW: return now;
    case READY_UNTIL: return later_of(now, until);
    case READY_BACKOFF:
        return later_of(now + stk_retry_backoff(facts->retry, facts->attempt, dice), until);
    case READY_NEVER: break;
    }
    return STK_NEVER;
}

struct stk_transition stk_lifecycle_settle(const struct stk_attempt_facts *facts,
                                           enum stk_outcome outcome, stk_time_ns now,
                                           stk_time_ns until, uint64_t dice)
{
    assert(facts != NULL && facts->retry != NULL);
    assert(outcome < STK_OUTCOME_COUNT_);

    bool is_parked = outcome == STK_OUTCOME_PARKED;
    if (is_parked || (facts->remote_known && rules[outcome].goes_on)) {
        return (struct stk_transition){ .state = STK_STATE_RUNNING,
                                        .ready_at = STK_NEVER,
                                        .counts = true,
                                        .counter = outcomes[outcome].counter };
    }
    bool is_done = outcome == STK_OUTCOME_COMPLETED;
    if (facts->cancel_requested && !is_done) outcome = STK_OUTCOME_CANCELLED;

    const struct rule *rule = &rules[outcome];
    bool used_up = is_used_up(facts, rule->bound);
    enum stk_state state = used_up ? rule->used_up : rule->next;
    bool pending = state == STK_STATE_PENDING;

    return (struct stk_transition){
        .state = state,
        .ready_at = pending ? ready_at(rule->ready, facts, now, until, dice) : STK_NEVER,
        .counts = outcomes[outcome].counts,
        .counter = outcomes[outcome].counter,
        .held = pending ? rule->held : NULL,
        .note = used_up ? rule->note : NULL,
    };
}

bool stk_lifecycle_allows(enum stk_state from, enum stk_action action)
{
    assert(from < STK_STATE_COUNT_);
    assert(action < STK_ACTION_COUNT_);
    return actions[action].from[from];
}

const char *stk_action_name(enum stk_action action)
{
    assert(action < STK_ACTION_COUNT_);
    return actions[action].name;
}

const char *stk_state_name(enum stk_state state)
{
    assert(state < STK_STATE_COUNT_);
    return states[state].name;
}

bool stk_state_from_name(const char *name, enum stk_state *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(states); i++) {
        if (strcmp(states[i].name, name) != 0) continue;
        *ret = (enum stk_state)i;
        return true;
    }
    return false;
}

bool stk_state_is_final(enum stk_state state)
{
    assert(state < STK_STATE_COUNT_);
    return states[state].is_final;
}

const char *stk_outcome_name(enum stk_outcome outcome)
{
    assert(outcome < STK_OUTCOME_COUNT_);
    return outcomes[outcome].name;
}

const char *stk_outcome_meaning(enum stk_outcome outcome)
{
    assert(outcome < STK_OUTCOME_COUNT_);
    return outcomes[outcome].meaning;
}

bool stk_outcome_from_name(const char *name, enum stk_outcome *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(outcomes); i++) {
        if (strcmp(outcomes[i].name, name) != 0) continue;
        *ret = (enum stk_outcome)i;
        return true;
    }
    return false;
}

bool stk_outcome_counts(enum stk_outcome outcome)
{
    assert(outcome < STK_OUTCOME_COUNT_);
    return outcomes[outcome].counts;
}
