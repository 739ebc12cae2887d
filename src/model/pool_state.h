/* SPDX-License-Identifier: MIT
 *
 * pool_state - what a pool is doing, in one word.
 *
 * A pool says the first ones of itself, with its beat; PAUSED only to who asks it
 * directly, as it cannot write it down; SILENT and LOST are what others make of
 * beats that do not come.
 *
 * Pure.
 */
#ifndef STK_MODEL_POOL_STATE_H
#define STK_MODEL_POOL_STATE_H

#include "model/lifecycle.h"

/* clang-format off */
#define STK_POOL_STATE_MAP(X)                                                             \
    X(RUNNING,  "running",  "takes jobs")                                                 \
    X(DRAINING, "draining", "takes jobs, and ends when none is left that can run")        \
    X(WAITING,  "waiting",  "has nothing to do but jobs that wait for a session")         \
    X(STOPPING, "stopping", "takes no more jobs; what it runs may finish")                \
    X(PAUSED,   "paused",   "the store takes no writes; it tries again by itself")        \
    X(SILENT,   "silent",   "a beat has not come: it is stuck, or cannot reach the database") \
    X(LOST,     "lost",     "its lease has run out; another pool gives its jobs back")
/* clang-format on */
enum stk_pool_state {
#define STK_POOL_STATE_NAME(name, text, what) STK_POOL_##name,
    STK_POOL_STATE_MAP(STK_POOL_STATE_NAME)
#undef STK_POOL_STATE_NAME
        STK_POOL_STATE_COUNT_
};
enum { STK_POOL_SAID_COUNT_ = STK_POOL_STOPPING + 1 }; /* those that a row may hold */

const char *stk_pool_state_name(enum stk_pool_state state);
const char *stk_pool_state_meaning(enum stk_pool_state state);
bool stk_pool_state_from_name(const char *name, enum stk_pool_state *ret);

/* The reason of a pool whose key file is not the one that sealed a session's secret:
 * it leaves the session and its jobs to others. */
void stk_pool_keyless_text(const char *session, char *ret_text, size_t size);

/* What others make of what it said with a beat of that time and lease. */
enum stk_pool_state stk_pool_state_seen(enum stk_pool_state said, stk_time_ns beat_at,
                                        stk_time_ns lease_until, stk_time_ns now);

#endif
