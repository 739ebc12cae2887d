/* SPDX-License-Identifier: MIT
 *
 * fault - named points where a test build can be made to fail or to die.
 *
 * STK_FAULT is set to "NAME:N:ACTION[,...]": at the N-th passing of the point
 * NAME the action happens. Actions: "kill" (SIGKILL to this process, as a
 * power cut would), "fail" (stk_fault returns true once), "stall" (sleeps
 * 200 ms, to widen races). Compiled in when STK_FAULTS is defined (meson
 * -Dfaults=true); otherwise every call is the constant false.
 *
 * The points are the table STK_FAULT_MAP, so that a test can walk them all.
 * Threads: any.
 */
#ifndef STK_BASE_FAULT_H
#define STK_BASE_FAULT_H

#include "base/defs.h"

/* clang-format off */
#define STK_FAULT_MAP(X)                                            \
    X(SUBMIT_BEFORE,   "submit.before")   /* before the insert */   \
    X(SUBMIT_INSERTED, "submit.inserted") /* inserted, not yet committed */ \
    X(ROUND_BEGUN,     "round.begun")     /* transaction open */     \
    X(ROUND_SETTLED,   "round.settled")   /* outcomes written */     \
    X(ROUND_CLAIMED,   "round.claimed")   /* claims written */       \
    X(COMMIT_BEFORE,   "commit.before")                              \
    X(COMMIT_AFTER,    "commit.after")    /* durable, nobody told */ \
    X(HANDED_OUT,      "handed.out")      /* workers told */         \
    X(EXEC_BEFORE,     "exec.before")     /* claimed, not started */ \
    X(EXEC_STARTED,    "exec.started")    /* the child runs */       \
    X(EXEC_ENDED,      "exec.ended")      /* ended, not reported */  \
    X(SWEEP_CHUNK,     "sweep.chunk")     /* between two chunks of a sweep */
/* clang-format on */

enum stk_fault_point {
#define STK_FAULT_NAME(name, text) STK_FAULT_##name,
    STK_FAULT_MAP(STK_FAULT_NAME)
#undef STK_FAULT_NAME
        STK_FAULT_COUNT_
};

#ifdef STK_FAULTS
bool stk_fault(enum stk_fault_point point);
#else
static inline bool stk_fault(enum stk_fault_point point)
{
    (void)point;
    return false;
}
#endif
const char *stk_fault_name(enum stk_fault_point point);

#endif
