/* SPDX-License-Identifier: MIT
 *
 * session - the life of an authenticated session, as one table.
 *
 *            imported, finalised, refreshed (generation + 1)
 *   NONE ------------------------------------------------> VALID --> EXPIRING
 *    |                                                     |  ^        |
 *    | login                     lost report, same gen     v  | probe ok
 *    v                                                   SUSPECT       |
 *   NEEDS_HUMAN <------- refused, deadline, no refresh ----+--> RENEWING
 *    |   ^                                                       |
 *    v   | expired, denied, cancelled                            | no answer
 *   AWAIT_READY --ready--> CHALLENGE_OPEN --done--> FINALIZING   v
 *                                                         UNREACHABLE
 *   beside them, by themselves: AUTH_LOCKED (until a moment), REJECTED (until a
 *   person acts), COMPETING (another login), DISABLED (paused by a person)
 *
 * The table (session.c) is {from, event, next}; stk_session_next is the only
 * way to a new state, stk_session_plan says what the keeper has to do next and
 * when. docs/sessions.md shows the table; a test compares them.
 *
 * Pure: no store, no clock, no memory; `now` is passed in. A wall clock that
 * jumps is caught by the keeper, which anchors expiry anew at each check.
 */
#ifndef STK_MODEL_SESSION_H
#define STK_MODEL_SESSION_H

#include "model/lifecycle.h"
#include "model/session_config.h"

/* clang-format off */
/* runnable: may workers start with it. person: only a person can help.
 *
 *    name            text              runnable person  what it means                        */
#define STK_SESSION_STATE_MAP(X)                                                               \
    X(NONE,           "none",           false,   true,   "never signed in")                    \
    X(VALID,          "valid",          true,    false,  "usable")                             \
    X(EXPIRING,       "expiring",       true,    false,  "usable, ends soon")                  \
    X(SUSPECT,        "suspect",        false,   false,  "a job saw it refused; being checked") \
    X(RENEWING,       "renewing",       false,   false,  "being renewed without a person")     \
    X(NEEDS_HUMAN,    "needs_human",    false,   true,   "ended; a person has to renew it")    \
    X(AWAIT_READY,    "await_ready",    false,   true,   "waits for a person to say: ready")   \
    X(CHALLENGE_OPEN, "challenge_open", false,   true,   "a link or code waits for a person")  \
    X(FINALIZING,     "finalizing",     false,   false,  "the person is done; being completed") \
    X(AUTH_LOCKED,    "auth_locked",    false,   false,  "the authority refuses sign-ins until a moment") \
    X(UNREACHABLE,    "unreachable",    false,   false,  "the authority does not answer")      \
    X(REJECTED,       "rejected",       false,   true,   "wrong password, denied or revoked")  \
    X(COMPETING,      "competing",      false,   true,   "another sign-in uses the account")   \
    X(DISABLED,       "disabled",       false,   true,   "paused by a person")

/* What happens to a session: who causes it, and what it is.
 *
 *    name               text                 who                                            */
#define STK_SESSION_EVENT_MAP(X)                                                               \
    X(CREDENTIAL,        "credential")        /* keeper: a new usable one; generation + 1 */   \
    X(REPORTED_LOST,     "reported_lost")     /* worker: refused, with the present generation */ \
    X(CHECK_OK,          "check_ok")          /* keeper: the authority takes it */             \
    X(CHECK_LOST,        "check_lost")        /* keeper: the authority refuses it */           \
    X(NO_ANSWER,         "no_answer")         /* keeper: transport error or 5xx */             \
    X(SOON,              "soon")              /* clock: inside the window before expiry */     \
    X(EXPIRED,           "expired")           /* clock: past expires_at */                     \
    X(DEADLINE,          "deadline")          /* clock: past deadline_at */                    \
    X(RENEW,             "renew")             /* keeper or person: a silent renewal begins */  \
    X(REFUSED,           "refused")           /* keeper: the renewal is refused; person needed */ \
    X(DENIED,            "denied")            /* keeper: wrong password, denied, revoked */    \
    X(LOCKED,            "locked")            /* keeper: the sign-in itself is throttled */    \
    X(UNLOCKED,          "unlocked")          /* clock: blocked_until has come; or a person */ \
    X(ASK_READY,         "ask_ready")         /* keeper: a person is needed, none has said ready */ \
    X(CHALLENGE,         "challenge")         /* keeper: a link or code was issued */          \
    X(CHALLENGE_DONE,    "challenge_done")    /* keeper or person: it is passed */             \
    X(CHALLENGE_OVER,    "challenge_over")    /* keeper: expired or denied */                  \
    X(RIVAL,             "rival")             /* keeper: another sign-in took it */            \
    X(LOGIN,             "login")             /* person: start a sign-in */                    \
    X(READY,             "ready")             /* person: I am here now */                      \
    X(CANCEL,            "cancel")            /* person: drop the challenge */                 \
    X(PAUSE,             "pause")             /* person */                                     \
    X(RESUME,            "resume")            /* person */
/* clang-format on */

enum stk_session_state {
#define STK_SESSION_STATE_NAME(name, text, runnable, person, meaning) STK_SESSION_##name,
    STK_SESSION_STATE_MAP(STK_SESSION_STATE_NAME)
#undef STK_SESSION_STATE_NAME
        STK_SESSION_STATE_COUNT_
};
enum stk_session_event {
#define STK_SESSION_EVENT_NAME(name, text) STK_SESSION_ON_##name,
    STK_SESSION_EVENT_MAP(STK_SESSION_EVENT_NAME)
#undef STK_SESSION_EVENT_NAME
        STK_SESSION_EVENT_COUNT_
};

enum { STK_SESSION_NAME_MAX = 128, STK_SESSION_TEXT_MAX = 400, STK_SESSION_LINK_MAX = 2048 };

/* All that is known of a session but its secrets: the row in the store. Times
 * are wall times, STK_NEVER when not set. */
struct stk_session {
    char name[STK_SESSION_NAME_MAX + 1];
    enum stk_session_state state;
    enum stk_session_state resume_state; /* where AUTH_LOCKED, UNREACHABLE, DISABLED lead back */
    int64_t generation;                  /* + 1 at each new usable credential */
    stk_time_ns issued_at, expires_at;   /* of the credential */
    stk_time_ns deadline_at;             /* after it only a person helps */
    stk_time_ns changed_at;              /* of the state */
    stk_time_ns closed_at; /* since when no worker may start; STK_NEVER: open; 0: ever */
    char reason[STK_SESSION_TEXT_MAX];         /* of the state, for people */
    char renewed_by[STK_SESSION_NAME_MAX + 1]; /* a person, or "" for the keeper itself */
    stk_time_ns renewed_at;

    int64_t renew_tried; /* the generation whose silent renewal was begun; at most once each */
    uint32_t tries;      /* checks or renewals without an answer, in a row */
    stk_time_ns try_at;  /* not before: back-off, cadence of polls and keep-alives */
    stk_time_ns checked_at;

    /* the challenge; link "" when none */
    char link[STK_SESSION_LINK_MAX]; /* a URL, or URL and code in one sentence */
    char code[64];                   /* device flow: what to type there; or "" */
    stk_time_ns challenge_at; /* of the last one, also when it is over: the keeper makes no other
                                 by itself until there is a new credential */
    stk_time_ns challenge_until;
    stk_time_ns poll_every_ns;
    uint32_t challenges;  /* issued so far; names one in a notice */
    stk_time_ns ready_at; /* when a person last said ready */

    stk_time_ns blocked_until; /* of AUTH_LOCKED; survives restarts, checked before every call */
    bool block_unknown;        /* its end is a guess: only a person's unlock opens */
    uint32_t blocks;           /* lock-outs in a row */

    /* What a person has asked of the keeper, until it is done; "" none. */
    char wish[32], wish_by[STK_SESSION_NAME_MAX + 1];
    stk_time_ns wish_at;

    int64_t epoch;    /* of the keeper: rises when one takes over; fences its writes */
    char keeper[128]; /* who holds the lease */
    stk_time_ns lease_until;
};

/* What else an event carries. All may be zero. */
struct stk_session_news {
    stk_time_ns expires_at, deadline_at; /* CREDENTIAL, CHECK_OK; STK_NEVER: none known; 0: keep */
    int64_t generation;                  /* REPORTED_LOST: the one that was used */
    stk_time_ns until;                   /* LOCKED: 0 unknown; CHALLENGE: its end, 0 unknown */
    stk_time_ns poll_every_ns;           /* CHALLENGE, CHECK_LOST of a poll: 0: as it was */
    const char *link, *code;             /* CHALLENGE */
    const char *reason, *by;             /* by: the person, or NULL */
};

/* Applies the event to *session. False: it means nothing in this state (a stale
 * report, a doubled answer, a clock that is not there yet); nothing is changed.
 * Sets what hangs together with the state: generation, clocks, closed_at,
 * challenge, blocked_until (only ever forward, but for a person's UNLOCKED),
 * tries and try_at (back-off with `dice`), and ends a wish that is answered.
 *
 * RENEW is applied, and stored, just before the call to the authority: a renewal
 * that was begun and has no answer is checked, not repeated. A poll that says
 * "not yet" is CHECK_LOST; a watched file that has not changed too. LOGIN sets
 * the wish "login" and counts as ready. news may be NULL. A deadline by the
 * clock (deadline_clock_s) comes in with CREDENTIAL. */
bool stk_session_next(struct stk_session *session, const struct stk_session_spec *spec,
                      enum stk_session_event event, const struct stk_session_news *news,
                      stk_time_ns now, uint64_t dice);

/* clang-format off */
/* What the keeper has to do. */
#define STK_SESSION_ACT_MAP(X)                                                                 \
    X(WAIT,      "wait")       /* nothing until `at` (or a wish, a report) */                  \
    X(CHECK,     "check")      /* ask the authority whether it still takes the credential */   \
    X(RENEW,     "renew")      /* renew without a person */                                    \
    X(BEGIN,     "begin")      /* sign in: credential, or a challenge for a person */          \
    X(POLL,      "poll")       /* has the person passed the challenge? */                      \
    X(FINISH,    "finish")     /* complete the sign-in of a person who says done */            \
    X(KEEP_ALIVE, "keep_alive") /* tell the authority that we are still here */                \
    X(APPLY,     "apply")      /* the clock itself is news: apply `event` */
/* clang-format on */
enum stk_session_act {
#define STK_SESSION_ACT_NAME(name, text) STK_SESSION_ACT_##name,
    STK_SESSION_ACT_MAP(STK_SESSION_ACT_NAME)
#undef STK_SESSION_ACT_NAME
        STK_SESSION_ACT_COUNT_
};
struct stk_session_plan {
    enum stk_session_act act;
    stk_time_ns at; /* WAIT: look again then; STK_NEVER: only when told */
    enum stk_session_event event;
};
/* Never an act against an authority before blocked_until, none that mints while
 * a challenge is open, none at all while DISABLED. */
struct stk_session_plan stk_session_plan(const struct stk_session *session,
                                         const struct stk_session_spec *spec, stk_time_ns now);

/* A session that nobody has seen yet. */
void stk_session_init(struct stk_session *session, const char *name);

bool stk_session_is_runnable(enum stk_session_state state);
/* Runnable, and neither clock has come: nothing runs past its end, however late
 * the keeper is to write that down. */
bool stk_session_admits(const struct stk_session *session, stk_time_ns now);
bool stk_session_needs_person(enum stk_session_state state);
const char *stk_session_state_name(enum stk_session_state state);
const char *stk_session_state_meaning(enum stk_session_state state);
bool stk_session_state_from_name(const char *name, enum stk_session_state *ret);
const char *stk_session_event_name(enum stk_session_event event);
const char *stk_session_act_name(enum stk_session_act act);

/* One sentence: "session "lab" is open, ends in 3h 12m" / "session "lab" needs a
 * person: open LINK, then stoker session done lab". */
void stk_session_sentence(const struct stk_session *session, stk_time_ns now, char *ret_text,
                          size_t size);
/* The same for consoles, history and whoever may not renew it: without link and
 * code, which are as good as a password for the minutes they live. */
void stk_session_open_sentence(const struct stk_session *session, stk_time_ns now, char *ret_text,
                               size_t size);

#endif
