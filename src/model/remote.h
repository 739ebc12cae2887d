/* SPDX-License-Identifier: MIT
 *
 * remote - what is known of a job that runs at an authority, not here.
 *
 *   claimed -> SUBMITTING (noted durably, then the request goes out)
 *           -> HANDLE (stored before anything else) -> polls, each a claim -> end
 *
 * A job in SUBMITTING whose pool died may or may not have been accepted: it is
 * ambiguous, and its task says what becomes of it. One with a HANDLE is polled
 * on by whoever comes, never submitted again.
 *
 * Memory:  the handle is borrowed from whoever filled the struct.
 */
#ifndef STK_MODEL_REMOTE_H
#define STK_MODEL_REMOTE_H

#include "base/defs.h"

/* clang-format off */
#define STK_REMOTE_PHASE_MAP(X)                                                          \
    X(NONE,       "none")                                                                \
    X(SUBMITTING, "submitting") /* the request may be on its way */                      \
    X(ADOPTING,   "adopting")   /* ambiguous: to be looked for in the authority's list */ \
    X(HANDLE,     "handle")     /* accepted; being polled */                             \
    X(FETCH,      "fetch")      /* finished there; the result is still to be read */
/* clang-format on */
enum stk_remote_phase {
#define STK_REMOTE_PHASE_NAME(name, text) STK_REMOTE_##name,
    STK_REMOTE_PHASE_MAP(STK_REMOTE_PHASE_NAME)
#undef STK_REMOTE_PHASE_NAME
        STK_REMOTE_PHASE_COUNT_
};
const char *stk_remote_phase_name(enum stk_remote_phase phase);
bool stk_remote_phase_from_name(const char *name, enum stk_remote_phase *ret);

/* What becomes of a job of which nobody knows whether it was accepted. */
enum stk_ambiguous {
    STK_AMBIGUOUS_QUARANTINE, /* failed; a person looks */
    STK_AMBIGUOUS_RESUBMIT,   /* pending again; it may run twice there */
    STK_AMBIGUOUS_ADOPT       /* parked, to be looked for in the authority's list */
};

enum { STK_HANDLE_BYTES_MAX = 2048 };

struct stk_remote {
    enum stk_remote_phase phase;
    const char *handle;       /* absolute URL, or what the pointer gave; NULL: none yet */
    const char *result;       /* FETCH: where the result is; or NULL */
    stk_time_ns submitted_at; /* wall time */
    stk_time_ns poll_at;      /* parked: when to ask next */
    stk_time_ns seen_at;      /* last answer that told something; 0: none */
    stk_time_ns run_ns;       /* runnable time: grows only between two polls that got through, by
                                 at most twice their distance as planned; so a pause, a throttle or
                                 a dead pool costs the job nothing of its time limit */
    uint32_t polls;
    uint32_t fails;  /* polls without an answer, in a row */
    bool gone;       /* the last poll said: no such job; one more to be sure */
    double progress; /* 0..1; < 0: not said */
};

#endif
