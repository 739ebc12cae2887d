/* SPDX-License-Identifier: MIT
 *
 * lifecycle - the life of a job, as one table.
 *
 *          submit              claim                    outcome
 *   ------------------> PENDING -------------> RUNNING ---------------> COMPLETED
 *                          ^  |                 |  |                    FAILED
 *                          |  |                 |  `------------------> CANCELLED
 *                          |  `-- cancel -------+---------------------> CANCELLED
 *                          `--------------------'
 *            failed, throttled, session lost, interrupted
 *
 *   retry by a person: COMPLETED, FAILED, CANCELLED -> PENDING
 *   parked: RUNNING -> RUNNING, without a worker; it runs at an authority
 *
 * `attempt` is raised by the claim and given back by the outcomes that do not
 * count. store/sql repeats the from-states in its WHERE clauses, the schema the
 * names in CHECKs, docs/architecture.md the table: tests compare them all.
 *
 * Pure: no store, no clock, no memory; now and the dice are passed in.
 */
#ifndef STK_MODEL_LIFECYCLE_H
#define STK_MODEL_LIFECYCLE_H

#include "base/err.h"
#include "model/retry.h"

/* clang-format off */
/*    name         text         final */
#define STK_STATE_MAP(X)                \
    X(PENDING,     "pending",   false)  \
    X(RUNNING,     "running",   false)  \
    X(COMPLETED,   "completed", true)   \
    X(FAILED,      "failed",    true)   \
    X(CANCELLED,   "cancelled", true)

/* What an attempt can end with, from the job's point of view. `counts`: the
 * attempt stays counted. `counter`: the column that is raised instead.
 *
 *    name          text            counts  counter            what it means          */
#define STK_OUTCOME_MAP(X)                                                               \
    X(COMPLETED,    "completed",    true,   NONE,          "done, result kept")          \
    X(FAILED,       "failed",       true,   NONE,          "failed, may be tried again") \
    X(FAILED_FINAL, "failed_final", true,   NONE,          "failed, trying again is no use") \
    X(TIMED_OUT,    "timed_out",    true,   NONE,          "over its time limit")        \
    X(THROTTLED,    "throttled",    false,  THROTTLES,     "told to come back later")    \
    X(SESSION_LOST, "session_lost", false,  SESSION_WAITS, "the session has ended")      \
    X(INTERRUPTED,  "interrupted",  false,  INTERRUPTIONS, "its pool stopped or died")   \
    X(CANCELLED,    "cancelled",    true,   NONE,          "stopped by a person")        \
    X(UNKNOWN_TASK, "unknown_task", false,  NONE,          "this pool does not know its task") \
    X(PARKED,       "parked",       true,   NONE,          "goes on at the authority")   \
    X(AMBIGUOUS,    "ambiguous",    true,   NONE,          "nobody knows whether it was accepted")
/* clang-format on */

enum stk_state {
#define STK_STATE_NAME(name, text, final) STK_STATE_##name,
    STK_STATE_MAP(STK_STATE_NAME)
#undef STK_STATE_NAME
        STK_STATE_COUNT_
};

enum stk_outcome {
#define STK_OUTCOME_NAME(name, text, counts, counter, meaning) STK_OUTCOME_##name,
    STK_OUTCOME_MAP(STK_OUTCOME_NAME)
#undef STK_OUTCOME_NAME
        STK_OUTCOME_COUNT_
};

enum stk_counter {
    STK_COUNTER_NONE,
    STK_COUNTER_THROTTLES,
    STK_COUNTER_SESSION_WAITS,
    STK_COUNTER_INTERRUPTIONS,
};

/* ready_at of a job that nobody may take: SQL NULL. */
#define STK_NEVER ((stk_time_ns)-1)

/* What is known of the job whose attempt has ended. */
struct stk_attempt_facts {
    uint32_t attempt;       /* as raised by its claim: 1 is the first */
    uint32_t interruptions; /* before this outcome */
    bool cancel_requested;  /* a person asked while it ran */
    bool remote_known;      /* a handle is stored, or it is to be adopted: it runs elsewhere */
    const struct stk_retry *retry;
};

/* What to write. */
struct stk_transition {
    enum stk_state state;
    stk_time_ns ready_at; /* pending: when a worker may take it; STK_NEVER otherwise */
    bool counts;          /* false: give the attempt back */
    enum stk_counter counter;
    const char *held; /* pending with STK_NEVER: why, "unknown_task"; else NULL */
    const char *note; /* added to the error: "attempts used up (3 of 3)" class; static, or NULL */
};

/* The rule for a RUNNING job whose attempt ended with `outcome`. `until`: for
 * THROTTLED and FAILED the earliest next try the job itself asked for, 0 when
 * it asked for none. `dice` is any random number, for the jitter. Interrupted
 * more than retry->interruptions_max times: FAILED. With cancel_requested
 * every outcome but COMPLETED gives CANCELLED.
 *
 * RUNNING means parked: the job runs at an authority, its attempt goes on and
 * stays counted. PARKED gives it, and, when remote_known, whatever only kept this
 * pool from asking (INTERRUPTED without bound, THROTTLED, SESSION_LOST,
 * UNKNOWN_TASK); cancel_requested does not change that, the authority has to be
 * told first. */
struct stk_transition stk_lifecycle_settle(const struct stk_attempt_facts *facts,
                                           enum stk_outcome outcome, stk_time_ns now,
                                           stk_time_ns until, uint64_t dice);

/* What people can do to a job: which states may be left that way. */
enum stk_action { STK_ACTION_CANCEL, STK_ACTION_RETRY, STK_ACTION_COUNT_ };
bool stk_lifecycle_allows(enum stk_state from, enum stk_action action);
const char *stk_action_name(enum stk_action action);

const char *stk_state_name(enum stk_state state);
bool stk_state_from_name(const char *name, enum stk_state *ret);
bool stk_state_is_final(enum stk_state state);
const char *stk_outcome_name(enum stk_outcome outcome);
const char *stk_outcome_meaning(enum stk_outcome outcome);
bool stk_outcome_from_name(const char *name, enum stk_outcome *ret);
bool stk_outcome_counts(enum stk_outcome outcome);

#endif
