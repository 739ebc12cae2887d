/* SPDX-License-Identifier: MIT
 *
 * notice - what people are told, when, and in which words.
 *
 * A rule, not a diary: it looks at how a session stands now and says what is to
 * be known of that. Each notice has a key that names what it tells of
 * ("lab/17/expiring/1h"); the store takes each key once, so that the rule may be
 * asked as often as anybody likes, and nothing is lost by a crash in between.
 *
 * Texts hold no secret. A link or code, which is as good as one for the minutes
 * it lives, stands in the facts only; a channel adds it or does not.
 *
 * Memory:  stk_notices_release frees what a struct stk_notices holds.
 * Threads: pure: no store, no clock; `now` is passed in.
 */
#ifndef STK_MODEL_NOTICE_H
#define STK_MODEL_NOTICE_H

#include "base/json.h"
#include "model/limit.h"
#include "model/session.h"

/* clang-format off */
/*    name              text                       when                                            */
#define STK_NOTICE_MAP(X)                                                                         \
    X(EXPIRING,         "session.expiring",        "a session ends soon, and only a person renews it") \
    X(ACTION_REQUIRED,  "session.action_required", "a session is closed until a person acts; repeated") \
    X(CHALLENGE,        "session.challenge",       "a link or code waits for a person")           \
    X(CHALLENGE_OVER,   "session.challenge_over",  "the link or code is worth nothing any more")  \
    X(COMPETING,        "session.competing",       "another sign-in uses the account")            \
    X(LOCKOUT,          "session.lockout",         "the authority refuses sign-ins for a while")  \
    X(REJECTED,         "session.rejected",        "the authority refused the sign-in itself")    \
    X(UNREACHABLE,      "session.unreachable",     "the authority has not answered for 10 minutes") \
    X(RENEWED,          "session.renewed",         "it goes on: a person renewed it, or it was closed") \
    X(LIMIT_LONG,       "limit.long",              "a limit is closed for more than 10 minutes")  \
    X(TEST,             "notify.test",             "somebody wants to know whether this arrives")
/* clang-format on */
enum stk_notice_kind {
#define STK_NOTICE_NAME(name, text, when) STK_NOTICE_##name,
    STK_NOTICE_MAP(STK_NOTICE_NAME)
#undef STK_NOTICE_NAME
        STK_NOTICE_COUNT_
};
const char *stk_notice_name(enum stk_notice_kind kind); /* "session.expiring" */
const char *stk_notice_meaning(enum stk_notice_kind kind);

/* What is known besides the session. */
struct stk_notice_facts {
    int64_t pending, running; /* jobs that need it */
    int64_t waiting;          /* workers that have nothing else to do */
    stk_time_ns work_ns;      /* model/projection */
};

struct stk_notice_due {
    enum stk_notice_kind kind;
    bool is_repeat;                           /* quiet hours hold it back */
    struct stk_buf subject, key, text, facts; /* "session lab"; facts: a JSON object */
};
enum { STK_NOTICES_DUE_MAX = 4 };
struct stk_notices {
    struct stk_notice_due list[STK_NOTICES_DUE_MAX];
    size_t count;
    stk_time_ns again_at; /* ask again then, also when nothing changes; STK_NEVER: no need */
};
void stk_notices_release(struct stk_notices *notices);

/* *ret is filled anew. `before`: the session as it was when last asked, NULL: not
 * known. Of several thresholds or repeats that were missed only the last one is
 * due. */
void stk_notices_of_session(const struct stk_session *before, const struct stk_session *session,
                            const struct stk_session_spec *spec,
                            const struct stk_notice_facts *facts, stk_time_ns now,
                            struct stk_notices *ret);
/* again_at is not set: whoever watches limits looks at them all the time. */
void stk_notices_of_limit(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          stk_time_ns now, struct stk_notices *ret);
void stk_notices_of_test(const char *actor, stk_time_ns now, struct stk_notices *ret);

/* Whether nobody needs to hear of it any more, when it could not be delivered at
 * once: the session is open again, its end or its link is another one, the limit
 * is open. `event` and `facts` as they were written; the session as it is now,
 * with its spec; both NULL when it is of none. */
bool stk_notice_is_over(const char *event, const json_t *facts, const struct stk_session *session,
                        const struct stk_session_spec *spec, stk_time_ns now);

#endif
