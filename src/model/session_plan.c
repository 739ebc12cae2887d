/* SPDX-License-Identifier: MIT */
#include "model/session.h"

#include <assert.h>
#include <string.h>

#include "model/session_rules.h"

#define WATCH_EVERY (5 * STK_SECOND) /* a file, when check_every_ns says nothing */
#define RENEW_GAP   STK_SECOND       /* a credential born dead does not make a storm */
#define SOON_MIN    (5 * STK_MINUTE)

/* Sign-ins that the keeper starts by itself, silently, for a person: tries. */
enum { MINT_TRIES = 3 };

/* --- shared rules --------------------------------------------------------- */

bool stk_session_is_past(stk_time_ns moment, stk_time_ns now)
{
    return moment != STK_NEVER && now >= moment;
}

bool stk_session_is_blocked(const struct stk_session *session, stk_time_ns now)
{
    return session->block_unknown || now < session->blocked_until;
}

stk_time_ns stk_session_soon_at(const struct stk_session *session,
                                const struct stk_session_spec *spec)
{
    if (session->expires_at == STK_NEVER) return STK_NEVER;
    stk_time_ns life = session->expires_at - session->issued_at;
    stk_time_ns window = life / 10 > SOON_MIN ? life / 10 : SOON_MIN;
    if (spec->soft_ns > 0) window = spec->soft_ns;
    if (window > life / 3 && spec->soft_ns == 0) window = life / 3;
    return session->expires_at - window;
}

bool stk_session_renewal_begun(const struct stk_session *session)
{
    return session->renew_tried >= session->generation;
}

bool stk_session_may_resend(const struct stk_session *session, const struct stk_session_spec *spec,
                            stk_time_ns now)
{
    bool is_open = session->state == STK_SESSION_RENEWING && stk_session_renewal_begun(session);
    return is_open && session->tries < STK_SESSION_ASK_AGAIN &&
           now - session->changed_at < spec->rotation_grace_ns;
}

bool stk_session_is_ready(const struct stk_session *session, const struct stk_session_spec *spec,
                          stk_time_ns now)
{
    return session->ready_at != STK_NEVER && now - session->ready_at < spec->ready_ttl_ns;
}

/* --- small words ---------------------------------------------------------- */

static struct stk_session_plan do_now(enum stk_session_act act)
{
    return (struct stk_session_plan){ .act = act, .at = STK_NEVER };
}

static struct stk_session_plan wait_until(stk_time_ns at)
{
    return (struct stk_session_plan){ .act = STK_SESSION_ACT_WAIT, .at = at };
}

static struct stk_session_plan apply(enum stk_session_event event)
{
    return (
        struct stk_session_plan){ .act = STK_SESSION_ACT_APPLY, .at = STK_NEVER, .event = event };
}

static struct stk_session_plan do_at(enum stk_session_act act, stk_time_ns at, stk_time_ns now)
{
    return now >= at ? do_now(act) : wait_until(at); /* STK_NEVER: at once */
}

/* STK_NEVER is no moment. */
static stk_time_ns earlier_of(stk_time_ns a, stk_time_ns b)
{
    if (a == STK_NEVER || b == STK_NEVER) return a == STK_NEVER ? b : a;
    return a < b ? a : b;
}

/* --- wishes --------------------------------------------------------------- */

#define IN(state) (1u << STK_SESSION_##state)
#define RUNNING   (IN(VALID) | IN(EXPIRING))
#define WITHOUT   (IN(NEEDS_HUMAN) | IN(AWAIT_READY))

/* What a wish becomes, and in which states; elsewhere it waits or is dropped. */
/* clang-format off */
static const struct wish {
    const char *name;
    enum stk_session_act act;
    enum stk_session_event event; /* of APPLY */
    uint32_t states;
} wishes[] = {
    { "check", STK_SESSION_ACT_CHECK,  0,                    RUNNING | WITHOUT | IN(SUSPECT) | IN(UNREACHABLE) | IN(COMPETING) },
    { "renew", STK_SESSION_ACT_RENEW,  0,                    RUNNING | WITHOUT | IN(SUSPECT) | IN(UNREACHABLE) | IN(COMPETING) },
    { "login", STK_SESSION_ACT_APPLY,  STK_SESSION_ON_LOGIN, IN(NONE) | IN(UNREACHABLE) | IN(REJECTED) | IN(COMPETING) },
    { "login", STK_SESSION_ACT_BEGIN,  0,                    RUNNING | WITHOUT },
    { "done",  STK_SESSION_ACT_FINISH, 0,                    IN(CHALLENGE_OPEN) | IN(FINALIZING) },
};
/* clang-format on */

static bool can_do(const struct stk_session *session, const struct stk_session_spec *spec,
                   const struct wish *wish)
{
    bool has_credential = session->generation > 0;
    switch ((int)wish->act) {
    case STK_SESSION_ACT_CHECK: return has_credential;
    case STK_SESSION_ACT_RENEW: return has_credential && stk_session_spec_renews(spec);
    case STK_SESSION_ACT_FINISH: return true;
    default: return stk_session_spec_begins(spec);
    }
}

static const struct wish *find_wish(const struct stk_session *session,
                                    const struct stk_session_spec *spec)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(wishes); i++) {
        bool is_here = (wishes[i].states & (1u << session->state)) != 0;
        if (!is_here || strcmp(wishes[i].name, session->wish) != 0) continue;
        return can_do(session, spec, &wishes[i]) ? &wishes[i] : NULL;
    }
    return NULL;
}

/* --- by state ------------------------------------------------------------- */

static stk_time_ns check_every(const struct stk_session_spec *spec)
{
    if (spec->check_every_ns > 0) return spec->check_every_ns;
    return stk_session_spec_watches(spec) ? WATCH_EVERY : 0;
}

/* The next question without a cause: a check, or a sign of life. */
static stk_time_ns ask_at(const struct stk_session *session, const struct stk_session_spec *spec,
                          enum stk_session_act *ret_act)
{
    stk_time_ns check = check_every(spec);
    stk_time_ns alive = spec->keep_alive_ns;
    bool is_alive = alive > 0 && (check == 0 || alive < check);
    stk_time_ns every = is_alive ? alive : check;
    if (every == 0) return STK_NEVER;

    *ret_act = is_alive ? STK_SESSION_ACT_KEEP_ALIVE : STK_SESSION_ACT_CHECK;
    if (session->tries > 0) return session->try_at;
    return session->checked_at == STK_NEVER ? 0 : session->checked_at + every;
}

static bool may_renew_early(const struct stk_session *session, const struct stk_session_spec *spec)
{
    return session->state == STK_SESSION_EXPIRING && stk_session_spec_renews(spec) &&
           !stk_session_renewal_begun(session);
}

static struct stk_session_plan plan_running(const struct stk_session *session,
                                            const struct stk_session_spec *spec, stk_time_ns now)
{
    bool is_valid = session->state == STK_SESSION_VALID;
    stk_time_ns soon = is_valid ? stk_session_soon_at(session, spec) : STK_NEVER;
    if (stk_session_is_past(session->deadline_at, now)) return apply(STK_SESSION_ON_DEADLINE);
    if (stk_session_is_past(session->expires_at, now)) return apply(STK_SESSION_ON_EXPIRED);
    if (stk_session_is_past(soon, now)) return apply(STK_SESSION_ON_SOON);

    stk_time_ns wake = earlier_of(earlier_of(session->deadline_at, session->expires_at), soon);
    if (stk_session_is_blocked(session, now)) {
        return wait_until(earlier_of(wake, session->blocked_until));
    }
    stk_time_ns renew = session->issued_at + RENEW_GAP;
    bool may_renew = may_renew_early(session, spec);
    if (may_renew && now >= renew) return do_now(STK_SESSION_ACT_RENEW);

    enum stk_session_act act = STK_SESSION_ACT_WAIT;
    stk_time_ns ask = ask_at(session, spec, &act);
    if (stk_session_is_past(ask, now)) return do_now(act);
    return wait_until(earlier_of(earlier_of(wake, ask), may_renew ? renew : STK_NEVER));
}

/* Begun and without an answer, a renewal may have succeeded: ask, do not repeat.
 * Who needs no person signs in afresh, which spends nothing. */
static struct stk_session_plan plan_renewing(const struct stk_session *session,
                                             const struct stk_session_spec *spec, stk_time_ns now)
{
    stk_time_ns gap = session->issued_at + RENEW_GAP;
    bool can = stk_session_spec_renews(spec); /* not when stoker.yaml was changed meanwhile */
    if (can && !stk_session_renewal_begun(session)) return do_at(STK_SESSION_ACT_RENEW, gap, now);

    enum stk_session_act act = STK_SESSION_ACT_CHECK;
    if (stk_session_spec_is_alone(spec)) act = STK_SESSION_ACT_BEGIN;
    if (stk_session_may_resend(session, spec, now)) act = STK_SESSION_ACT_RENEW;
    return do_at(act, session->try_at, now);
}

static struct stk_session_plan plan_unreachable(const struct stk_session *session,
                                                const struct stk_session_spec *spec,
                                                stk_time_ns now)
{
    bool signs_in = stk_session_spec_is_alone(spec) && stk_session_renewal_begun(session);
    if (stk_session_is_past(session->deadline_at, now)) return apply(STK_SESSION_ON_DEADLINE);

    enum stk_session_act act = signs_in ? STK_SESSION_ACT_BEGIN : STK_SESSION_ACT_CHECK;
    struct stk_session_plan plan = do_at(act, session->try_at, now);
    if (plan.act == STK_SESSION_ACT_WAIT) plan.at = earlier_of(plan.at, session->deadline_at);
    return plan;
}

/* A watched file is looked at while somebody may be putting a new one there. */
static struct stk_session_plan plan_watch(const struct stk_session *session,
                                          const struct stk_session_spec *spec, stk_time_ns now)
{
    enum stk_session_act act = STK_SESSION_ACT_WAIT;
    if (!stk_session_spec_watches(spec)) return wait_until(STK_NEVER);
    return do_at(STK_SESSION_ACT_CHECK, ask_at(session, spec, &act), now);
}

/* Only a person helps. A challenge is scarce: one is made when somebody is
 * there, or once by itself where nobody is to be asked. */
static struct stk_session_plan plan_person(const struct stk_session *session,
                                           const struct stk_session_spec *spec, stk_time_ns now)
{
    bool needs = session->state == STK_SESSION_NEEDS_HUMAN;
    bool is_minted = session->challenge_at != STK_NEVER;
    if (!stk_session_spec_begins(spec)) return plan_watch(session, spec, now);
    if (stk_session_is_ready(session, spec, now)) {
        return do_at(STK_SESSION_ACT_BEGIN, session->try_at, now);
    }
    if (stk_session_spec_is_alone(spec)) return wait_until(STK_NEVER); /* it was refused */
    if (needs && spec->ask_ready) return apply(STK_SESSION_ON_ASK_READY);
    if (!needs || spec->ask_ready || is_minted || session->tries >= MINT_TRIES) {
        return wait_until(STK_NEVER);
    }
    return do_at(STK_SESSION_ACT_BEGIN, session->try_at, now);
}

static struct stk_session_plan plan_none(const struct stk_session *session,
                                         const struct stk_session_spec *spec, stk_time_ns now)
{
    if (!stk_session_spec_is_alone(spec)) return plan_watch(session, spec, now);
    return do_at(STK_SESSION_ACT_BEGIN, session->try_at, now);
}

static struct stk_session_plan plan_challenge(const struct stk_session *session, stk_time_ns now)
{
    bool is_over = stk_session_is_past(session->challenge_until, now);
    if (is_over) return apply(STK_SESSION_ON_CHALLENGE_OVER);
    struct stk_session_plan plan = do_at(STK_SESSION_ACT_POLL, session->try_at, now);
    if (plan.act == STK_SESSION_ACT_WAIT) plan.at = earlier_of(plan.at, session->challenge_until);
    return plan;
}

/* The completion may land although nobody heard the answer: then a check, which
 * changes nothing, decides. */
static struct stk_session_plan plan_finalizing(const struct stk_session *session, stk_time_ns now)
{
    enum stk_session_act act = session->tries == 0 ? STK_SESSION_ACT_FINISH : STK_SESSION_ACT_CHECK;
    return do_at(act, session->try_at, now);
}

static struct stk_session_plan plan_locked(const struct stk_session *session, stk_time_ns now)
{
    if (session->block_unknown) return wait_until(STK_NEVER);
    return now < session->blocked_until ? wait_until(session->blocked_until)
                                        : apply(STK_SESSION_ON_UNLOCKED);
}

static struct stk_session_plan plan_state(const struct stk_session *session,
                                          const struct stk_session_spec *spec, stk_time_ns now)
{
    switch (session->state) {
    case STK_SESSION_NONE: return plan_none(session, spec, now);
    case STK_SESSION_VALID:
    case STK_SESSION_EXPIRING: return plan_running(session, spec, now);
    case STK_SESSION_SUSPECT: return do_at(STK_SESSION_ACT_CHECK, session->try_at, now);
    case STK_SESSION_RENEWING: return plan_renewing(session, spec, now);
    case STK_SESSION_NEEDS_HUMAN:
    case STK_SESSION_AWAIT_READY: return plan_person(session, spec, now);
    case STK_SESSION_CHALLENGE_OPEN: return plan_challenge(session, now);
    case STK_SESSION_FINALIZING: return plan_finalizing(session, now);
    case STK_SESSION_AUTH_LOCKED: return plan_locked(session, now);
    case STK_SESSION_UNREACHABLE: return plan_unreachable(session, spec, now);
    case STK_SESSION_REJECTED: return plan_watch(session, spec, now);
    case STK_SESSION_COMPETING:
    case STK_SESSION_DISABLED:
    case STK_SESSION_STATE_COUNT_: break;
    }
    return wait_until(STK_NEVER);
}

struct stk_session_plan stk_session_plan(const struct stk_session *session,
                                         const struct stk_session_spec *spec, stk_time_ns now)
{
    assert(session != NULL && spec != NULL);
    assert(session->state < STK_SESSION_STATE_COUNT_);

    struct stk_session_plan plan = plan_state(session, spec, now);
    bool is_blocked = stk_session_is_blocked(session, now);
    if (plan.act == STK_SESSION_ACT_APPLY) return plan; /* the clock goes first */

    const struct wish *wish = find_wish(session, spec);
    if (wish != NULL && (!is_blocked || wish->act == STK_SESSION_ACT_APPLY)) {
        plan = (struct stk_session_plan){ .act = wish->act, .at = STK_NEVER, .event = wish->event };
    }

    /* The one gate before every call. */
    bool calls = plan.act != STK_SESSION_ACT_WAIT && plan.act != STK_SESSION_ACT_APPLY;
    if (!calls || !is_blocked) return plan;
    return wait_until(session->block_unknown ? STK_NEVER : session->blocked_until);
}
