/* SPDX-License-Identifier: MIT */
#include "model/session.h"

#include <assert.h>
#include <string.h>

#include "model/session_rules.h"

/* Every pair that means something. `steer` below turns a row aside:
 *   RENEWING     when no renewal may be begun: NEEDS_HUMAN
 *   UNREACHABLE  only after two more silent tries; till then the state stays
 *   NEEDS_HUMAN  while the old credential is still good: EXPIRING (renewal
 *                refused) or SUSPECT (sign-in dropped); after UNLOCKED and
 *                RESUME: where they lead back
 *   COMPETING    with `competing: take`: RENEWING */
#define ROW(from, event, next) { STK_SESSION_##from, STK_SESSION_ON_##event, STK_SESSION_##next },
/* clang-format off */
static const struct rule {
    enum stk_session_state from;
    enum stk_session_event event;
    enum stk_session_state next;
} rules[] = {
    ROW(NONE,           CREDENTIAL,     VALID         )
    ROW(NONE,           CHECK_LOST,     NONE          )
    ROW(NONE,           NO_ANSWER,      NONE          )
    ROW(NONE,           REFUSED,        NEEDS_HUMAN   )
    ROW(NONE,           DENIED,         REJECTED      )
    ROW(NONE,           LOCKED,         AUTH_LOCKED   )
    ROW(NONE,           LOGIN,          NEEDS_HUMAN   )
    ROW(NONE,           READY,          NEEDS_HUMAN   )
    ROW(NONE,           PAUSE,          DISABLED      )

    ROW(VALID,          CREDENTIAL,     VALID         )
    ROW(VALID,          REPORTED_LOST,  SUSPECT       )
    ROW(VALID,          CHECK_OK,       VALID         )
    ROW(VALID,          CHECK_LOST,     RENEWING      )
    ROW(VALID,          NO_ANSWER,      UNREACHABLE   )
    ROW(VALID,          SOON,           EXPIRING      )
    ROW(VALID,          EXPIRED,        RENEWING      )
    ROW(VALID,          DEADLINE,       NEEDS_HUMAN   )
    ROW(VALID,          RENEW,          RENEWING      )
    ROW(VALID,          REFUSED,        VALID         )
    ROW(VALID,          DENIED,         REJECTED      )
    ROW(VALID,          LOCKED,         AUTH_LOCKED   )
    ROW(VALID,          CHALLENGE,      CHALLENGE_OPEN)
    ROW(VALID,          RIVAL,          COMPETING     )
    ROW(VALID,          LOGIN,          VALID         )
    ROW(VALID,          PAUSE,          DISABLED      )

    ROW(EXPIRING,       CREDENTIAL,     VALID         )
    ROW(EXPIRING,       REPORTED_LOST,  SUSPECT       )
    ROW(EXPIRING,       CHECK_OK,       VALID         )
    ROW(EXPIRING,       CHECK_LOST,     RENEWING      )
    ROW(EXPIRING,       NO_ANSWER,      UNREACHABLE   )
    ROW(EXPIRING,       EXPIRED,        RENEWING      )
    ROW(EXPIRING,       DEADLINE,       NEEDS_HUMAN   )
    ROW(EXPIRING,       RENEW,          RENEWING      )
    ROW(EXPIRING,       REFUSED,        EXPIRING      )
    ROW(EXPIRING,       DENIED,         REJECTED      )
    ROW(EXPIRING,       LOCKED,         AUTH_LOCKED   )
    ROW(EXPIRING,       CHALLENGE,      CHALLENGE_OPEN)
    ROW(EXPIRING,       RIVAL,          COMPETING     )
    ROW(EXPIRING,       LOGIN,          EXPIRING      )
    ROW(EXPIRING,       PAUSE,          DISABLED      )

    ROW(SUSPECT,        CREDENTIAL,     VALID         )
    ROW(SUSPECT,        CHECK_OK,       VALID         )
    ROW(SUSPECT,        CHECK_LOST,     RENEWING      )
    ROW(SUSPECT,        NO_ANSWER,      UNREACHABLE   )
    ROW(SUSPECT,        DEADLINE,       NEEDS_HUMAN   )
    ROW(SUSPECT,        RENEW,          RENEWING      )
    ROW(SUSPECT,        DENIED,         REJECTED      )
    ROW(SUSPECT,        LOCKED,         AUTH_LOCKED   )
    ROW(SUSPECT,        RIVAL,          COMPETING     )
    ROW(SUSPECT,        PAUSE,          DISABLED      )

    ROW(RENEWING,       CREDENTIAL,     VALID         )
    ROW(RENEWING,       CHECK_OK,       VALID         )
    ROW(RENEWING,       CHECK_LOST,     RENEWING      )
    ROW(RENEWING,       NO_ANSWER,      UNREACHABLE   )
    ROW(RENEWING,       RENEW,          RENEWING      )
    ROW(RENEWING,       REFUSED,        NEEDS_HUMAN   )
    ROW(RENEWING,       DENIED,         REJECTED      )
    ROW(RENEWING,       LOCKED,         AUTH_LOCKED   )
    ROW(RENEWING,       RIVAL,          COMPETING     )
    ROW(RENEWING,       PAUSE,          DISABLED      )

    ROW(NEEDS_HUMAN,    CREDENTIAL,     VALID         )
    ROW(NEEDS_HUMAN,    CHECK_OK,       VALID         )
    ROW(NEEDS_HUMAN,    CHECK_LOST,     NEEDS_HUMAN   )
    ROW(NEEDS_HUMAN,    NO_ANSWER,      NEEDS_HUMAN   )
    ROW(NEEDS_HUMAN,    RENEW,          RENEWING      )
    ROW(NEEDS_HUMAN,    REFUSED,        NEEDS_HUMAN   )
    ROW(NEEDS_HUMAN,    DENIED,         REJECTED      )
    ROW(NEEDS_HUMAN,    LOCKED,         AUTH_LOCKED   )
    ROW(NEEDS_HUMAN,    ASK_READY,      AWAIT_READY   )
    ROW(NEEDS_HUMAN,    CHALLENGE,      CHALLENGE_OPEN)
    ROW(NEEDS_HUMAN,    RIVAL,          COMPETING     )
    ROW(NEEDS_HUMAN,    LOGIN,          NEEDS_HUMAN   )
    ROW(NEEDS_HUMAN,    READY,          NEEDS_HUMAN   )
    ROW(NEEDS_HUMAN,    PAUSE,          DISABLED      )

    ROW(AWAIT_READY,    CREDENTIAL,     VALID         )
    ROW(AWAIT_READY,    CHECK_OK,       VALID         )
    ROW(AWAIT_READY,    CHECK_LOST,     AWAIT_READY   )
    ROW(AWAIT_READY,    NO_ANSWER,      AWAIT_READY   )
    ROW(AWAIT_READY,    RENEW,          RENEWING      )
    ROW(AWAIT_READY,    REFUSED,        NEEDS_HUMAN   )
    ROW(AWAIT_READY,    DENIED,         REJECTED      )
    ROW(AWAIT_READY,    LOCKED,         AUTH_LOCKED   )
    ROW(AWAIT_READY,    CHALLENGE,      CHALLENGE_OPEN)
    ROW(AWAIT_READY,    RIVAL,          COMPETING     )
    ROW(AWAIT_READY,    LOGIN,          AWAIT_READY   )
    ROW(AWAIT_READY,    READY,          AWAIT_READY   )
    ROW(AWAIT_READY,    CANCEL,         NEEDS_HUMAN   )
    ROW(AWAIT_READY,    PAUSE,          DISABLED      )

    ROW(CHALLENGE_OPEN, CREDENTIAL,     VALID         )
    ROW(CHALLENGE_OPEN, CHECK_LOST,     CHALLENGE_OPEN)
    ROW(CHALLENGE_OPEN, NO_ANSWER,      CHALLENGE_OPEN)
    ROW(CHALLENGE_OPEN, DENIED,         REJECTED      )
    ROW(CHALLENGE_OPEN, LOCKED,         AUTH_LOCKED   )
    ROW(CHALLENGE_OPEN, CHALLENGE_DONE, FINALIZING    )
    ROW(CHALLENGE_OPEN, CHALLENGE_OVER, NEEDS_HUMAN   )
    ROW(CHALLENGE_OPEN, RIVAL,          COMPETING     )
    ROW(CHALLENGE_OPEN, CANCEL,         NEEDS_HUMAN   )
    ROW(CHALLENGE_OPEN, PAUSE,          DISABLED      )

    ROW(FINALIZING,     CREDENTIAL,     VALID         )
    ROW(FINALIZING,     CHECK_LOST,     CHALLENGE_OPEN)
    ROW(FINALIZING,     NO_ANSWER,      FINALIZING    )
    ROW(FINALIZING,     DENIED,         REJECTED      )
    ROW(FINALIZING,     LOCKED,         AUTH_LOCKED   )
    ROW(FINALIZING,     CHALLENGE_OVER, NEEDS_HUMAN   )
    ROW(FINALIZING,     RIVAL,          COMPETING     )
    ROW(FINALIZING,     CANCEL,         NEEDS_HUMAN   )
    ROW(FINALIZING,     PAUSE,          DISABLED      )

    ROW(AUTH_LOCKED,    CREDENTIAL,     VALID         )
    ROW(AUTH_LOCKED,    LOCKED,         AUTH_LOCKED   )
    ROW(AUTH_LOCKED,    UNLOCKED,       NEEDS_HUMAN   )
    ROW(AUTH_LOCKED,    PAUSE,          DISABLED      )

    ROW(UNREACHABLE,    CREDENTIAL,     VALID         )
    ROW(UNREACHABLE,    CHECK_OK,       VALID         )
    ROW(UNREACHABLE,    CHECK_LOST,     RENEWING      )
    ROW(UNREACHABLE,    NO_ANSWER,      UNREACHABLE   )
    ROW(UNREACHABLE,    DEADLINE,       NEEDS_HUMAN   )
    ROW(UNREACHABLE,    RENEW,          RENEWING      )
    ROW(UNREACHABLE,    REFUSED,        NEEDS_HUMAN   )
    ROW(UNREACHABLE,    DENIED,         REJECTED      )
    ROW(UNREACHABLE,    LOCKED,         AUTH_LOCKED   )
    ROW(UNREACHABLE,    RIVAL,          COMPETING     )
    ROW(UNREACHABLE,    LOGIN,          NEEDS_HUMAN   )
    ROW(UNREACHABLE,    PAUSE,          DISABLED      )

    ROW(REJECTED,       CREDENTIAL,     VALID         )
    ROW(REJECTED,       CHECK_LOST,     REJECTED      )
    ROW(REJECTED,       NO_ANSWER,      REJECTED      )
    ROW(REJECTED,       LOCKED,         REJECTED      )
    ROW(REJECTED,       LOGIN,          NEEDS_HUMAN   )
    ROW(REJECTED,       PAUSE,          DISABLED      )

    ROW(COMPETING,      CREDENTIAL,     VALID         )
    ROW(COMPETING,      CHECK_OK,       VALID         )
    ROW(COMPETING,      CHECK_LOST,     COMPETING     )
    ROW(COMPETING,      NO_ANSWER,      COMPETING     )
    ROW(COMPETING,      RENEW,          RENEWING      )
    ROW(COMPETING,      LOCKED,         AUTH_LOCKED   )
    ROW(COMPETING,      RIVAL,          COMPETING     )
    ROW(COMPETING,      LOGIN,          NEEDS_HUMAN   )
    ROW(COMPETING,      PAUSE,          DISABLED      )

    ROW(DISABLED,       CREDENTIAL,     DISABLED      )
    ROW(DISABLED,       LOCKED,         DISABLED      )
    ROW(DISABLED,       RESUME,         NEEDS_HUMAN   )
};
/* clang-format on */
#undef ROW

static const struct rule *find_rule(enum stk_session_state from, enum stk_session_event event)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(rules); i++) {
        if (rules[i].from == from && rules[i].event == event) return &rules[i];
    }
    return NULL;
}

/* --- what a rule may ask -------------------------------------------------- */

static bool may_renew(const struct stk_session *session, const struct stk_session_spec *spec)
{
    if (!stk_session_spec_renews(spec)) return false;
    if (stk_session_spec_is_alone(spec)) return true; /* its renewal is a sign-in like any other */
    return session->generation > 0 && !stk_session_renewal_begun(session);
}

/* A person's wish may try once more what the keeper does once a generation. */
static bool may_begin_renewal(const struct stk_session *session,
                              const struct stk_session_spec *spec,
                              const struct stk_session_news *news, stk_time_ns now)
{
    if (session->generation == 0 || !stk_session_spec_renews(spec)) return false;
    bool is_wish = news->by != NULL || strcmp(session->wish, "renew") == 0;
    return is_wish || may_renew(session, spec) || stk_session_may_resend(session, spec, now);
}

static bool may_unlock(const struct stk_session *session, const struct stk_session_news *news,
                       stk_time_ns now)
{
    return news->by != NULL || !stk_session_is_blocked(session, now);
}

/* Whether the event is what it claims to be: not stale, not early, not somebody
 * else's to say. */
static bool is_true(const struct stk_session *session, const struct stk_session_spec *spec,
                    enum stk_session_event event, const struct stk_session_news *news,
                    stk_time_ns now)
{
    bool is_rejected = session->state == STK_SESSION_REJECTED;
    bool has_credential = session->generation > 0;
    switch ((int)event) { /* all others are true whenever the table has them */
    case STK_SESSION_ON_CREDENTIAL:
        return !is_rejected || news->by != NULL || stk_session_spec_watches(spec);
    case STK_SESSION_ON_REPORTED_LOST: return news->generation == session->generation;
    case STK_SESSION_ON_CHECK_OK: return has_credential;
    case STK_SESSION_ON_SOON: return stk_session_is_past(stk_session_soon_at(session, spec), now);
    case STK_SESSION_ON_EXPIRED: return stk_session_is_past(session->expires_at, now);
    case STK_SESSION_ON_DEADLINE: return stk_session_is_past(session->deadline_at, now);
    case STK_SESSION_ON_RENEW: return may_begin_renewal(session, spec, news, now);
    case STK_SESSION_ON_UNLOCKED: return may_unlock(session, news, now);
    case STK_SESSION_ON_LOGIN:
    case STK_SESSION_ON_READY: return stk_session_spec_begins(spec);
    default: return true;
    }
}

/* --- where it leads ------------------------------------------------------- */

static bool is_still_good(const struct stk_session *session, stk_time_ns now)
{
    bool ran = stk_session_is_runnable(session->resume_state);
    return ran && session->expires_at != STK_NEVER && session->expires_at > now;
}

static enum stk_session_state after_drop(const struct stk_session *session,
                                         enum stk_session_event event, enum stk_session_state next,
                                         stk_time_ns now)
{
    bool was_renewing = session->state == STK_SESSION_RENEWING;
    bool had_challenge =
        session->state == STK_SESSION_CHALLENGE_OPEN || session->state == STK_SESSION_FINALIZING;
    if (!is_still_good(session, now)) return next;
    if (was_renewing && event == STK_SESSION_ON_REFUSED) return STK_SESSION_EXPIRING;
    return had_challenge ? STK_SESSION_SUSPECT : next;
}

static enum stk_session_state after_check(const struct stk_session *session,
                                          const struct stk_session_spec *spec, stk_time_ns now)
{
    bool is_soon = stk_session_is_past(stk_session_soon_at(session, spec), now);
    return is_soon && session->state != STK_SESSION_VALID ? STK_SESSION_EXPIRING
                                                          : STK_SESSION_VALID;
}

static bool stays_put(const struct stk_session *session, enum stk_session_event event)
{
    return event == STK_SESSION_ON_NO_ANSWER && session->state != STK_SESSION_UNREACHABLE &&
           session->tries < STK_SESSION_ASK_AGAIN;
}

/* Called after the clocks and before the tries are set: tries are those before. */
static enum stk_session_state steer(const struct stk_session *session,
                                    const struct stk_session_spec *spec,
                                    enum stk_session_event event, enum stk_session_state next,
                                    stk_time_ns now)
{
    bool takes_over = spec->competing != NULL && strcmp(spec->competing, "take") == 0;
    bool leads_back = event == STK_SESSION_ON_UNLOCKED || event == STK_SESSION_ON_RESUME;
    bool may = may_renew(session, spec);

    if (leads_back) next = session->resume_state;
    if (event == STK_SESSION_ON_RENEW) return next;
    if (event == STK_SESSION_ON_CHECK_OK) return after_check(session, spec, now);
    if (event == STK_SESSION_ON_RIVAL && takes_over && may) return STK_SESSION_RENEWING;
    if (next == STK_SESSION_UNREACHABLE && stays_put(session, event)) return session->state;
    if (next == STK_SESSION_RENEWING && !leads_back && !may) return STK_SESSION_NEEDS_HUMAN;
    if (next == STK_SESSION_NEEDS_HUMAN && !leads_back) {
        return after_drop(session, event, next, now);
    }
    return next;
}

/* Who comes back, or signs in, while the authority is locked waits there. */
static bool meets_lock(const struct stk_session *session, enum stk_session_event event,
                       stk_time_ns now)
{
    bool comes = event == STK_SESSION_ON_RESUME || event == STK_SESSION_ON_LOGIN;
    return comes && !stk_session_is_runnable(session->state) &&
           stk_session_is_blocked(session, now);
}

static bool leads_back_later(enum stk_session_state state)
{
    return state == STK_SESSION_AUTH_LOCKED || state == STK_SESSION_UNREACHABLE ||
           state == STK_SESSION_DISABLED;
}

/* A pause of a lock keeps where the lock leads back, and what stops a renewal
 * keeps a credential that is still good. */
static bool keeps_way_back(const struct stk_session *session, stk_time_ns now)
{
    switch ((int)session->state) {
    case STK_SESSION_AUTH_LOCKED:
    case STK_SESSION_DISABLED: return true;
    case STK_SESSION_RENEWING: return is_still_good(session, now);
    default: return false;
    }
}

/* The clock and a question bring no reason: what went wrong before is why a person
 * is asked now. */
static bool keeps_reason(enum stk_session_event event)
{
    return event == STK_SESSION_ON_EXPIRED || event == STK_SESSION_ON_ASK_READY;
}

static void explain(struct stk_session *session, enum stk_session_state next,
                    enum stk_session_event event, const char *reason)
{
    bool is_new = next != session->state || event == STK_SESSION_ON_CREDENTIAL;
    if (reason == NULL && (!is_new || keeps_reason(event))) return;
    stk_session_set_text(session->reason, sizeof(session->reason), reason);
}

static void enter(struct stk_session *session, enum stk_session_state next, stk_time_ns now)
{
    if (next == session->state) return;

    if (leads_back_later(next) && !keeps_way_back(session, now)) {
        session->resume_state = session->state;
    }
    session->state = next;
    session->changed_at = now;
    bool runs = stk_session_is_runnable(next);
    if (runs) session->closed_at = STK_NEVER;
    if (!runs && session->closed_at == STK_NEVER) session->closed_at = now;
}

/* --- wishes --------------------------------------------------------------- */

/* The act that a wish asked for has been done, whatever came of it. */
static void end_wish(struct stk_session *session, enum stk_session_event event)
{
    const char *wish = session->wish;
    bool is_answered = false;
    switch ((int)event) { /* the others are no answers */
    case STK_SESSION_ON_CREDENTIAL:
    case STK_SESSION_ON_NO_ANSWER:
    case STK_SESSION_ON_REFUSED:
    case STK_SESSION_ON_DENIED:
    case STK_SESSION_ON_LOCKED:
    case STK_SESSION_ON_CHALLENGE:
    case STK_SESSION_ON_CANCEL:
    case STK_SESSION_ON_PAUSE: is_answered = true; break;
    case STK_SESSION_ON_CHECK_OK: is_answered = strcmp(wish, "check") == 0; break;
    case STK_SESSION_ON_CHECK_LOST:
        is_answered = strcmp(wish, "check") == 0 || strcmp(wish, "done") == 0;
        break;
    case STK_SESSION_ON_RENEW: is_answered = strcmp(wish, "renew") == 0; break;
    case STK_SESSION_ON_CHALLENGE_DONE: is_answered = strcmp(wish, "done") == 0; break;
    default: break;
    }
    if (!is_answered) return;
    session->wish[0] = '\0';
    session->wish_by[0] = '\0';
    session->wish_at = STK_NEVER;
}

bool stk_session_next(struct stk_session *session, const struct stk_session_spec *spec,
                      enum stk_session_event event, const struct stk_session_news *news,
                      stk_time_ns now, uint64_t dice)
{
    static const struct stk_session_news no_news = { 0 };
    assert(session != NULL && spec != NULL);
    assert(session->state < STK_SESSION_STATE_COUNT_ && event < STK_SESSION_EVENT_COUNT_);
    if (news == NULL) news = &no_news;

    const struct rule *rule = find_rule(session->state, event);
    if (rule == NULL || !is_true(session, spec, event, news, now)) return false;

    stk_session_move_clocks(session, spec, event, news, now, dice);
    enum stk_session_state next = steer(session, spec, event, rule->next, now);
    if (meets_lock(session, event, now)) {
        session->resume_state = next;
        next = STK_SESSION_AUTH_LOCKED;
        end_wish(session, STK_SESSION_ON_LOCKED);
    }
    bool keeps_way = next == STK_SESSION_AUTH_LOCKED && event != STK_SESSION_ON_LOCKED;
    enum stk_session_state way = session->resume_state;
    explain(session, next, event, news->reason);
    enter(session, next, now);
    if (keeps_way) session->resume_state = way;
    stk_session_set_tries(session, spec, event, news, now, dice);
    end_wish(session, event);
    return true;
}
