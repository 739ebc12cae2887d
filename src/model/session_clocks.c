/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/text.h"
#include "model/retry.h"
#include "model/session_rules.h"

#define BLOCK_UNKNOWN     STK_HOUR
#define BLOCK_UNKNOWN_MAX (8 * STK_HOUR)

/* Between two questions to an authority that does not answer. */
static const struct stk_retry silence = { .backoff_min_ns = 2 * STK_SECOND,
                                          .backoff_max_ns = 5 * STK_MINUTE };

void stk_session_set_text(char *place, size_t size, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    if (len >= size) len = stk_utf8_cut(text, size - 1);
    if (len > 0) memcpy(place, text, len);
    place[len] = '\0';
}

static void clear_challenge(struct stk_session *session)
{
    session->link[0] = '\0';
    session->code[0] = '\0';
    session->challenge_until = STK_NEVER;
    session->poll_every_ns = 0;
    session->ready_at = STK_NEVER;
}

/* A silent renewal does not move the clock that only a person can wind up. */
static bool is_by_person(const struct stk_session *session, const struct stk_session_news *news)
{
    enum stk_session_state state = session->state;
    bool leads_back = state == STK_SESSION_DISABLED || state == STK_SESSION_AUTH_LOCKED;
    if (leads_back) state = session->resume_state;
    if (news->by != NULL || state == STK_SESSION_FINALIZING) return true;
    return stk_session_needs_person(state);
}

static void take_credential(struct stk_session *session, const struct stk_session_spec *spec,
                            const struct stk_session_news *news, stk_time_ns now)
{
    bool is_known = news->expires_at > 0;
    stk_time_ns usual = spec->lifetime_ns > 0 ? now + spec->lifetime_ns : STK_NEVER;
    stk_time_ns deadline = spec->deadline_ns > 0 ? now + spec->deadline_ns : STK_NEVER;
    bool winds_up = is_by_person(session, news);

    session->generation++;
    session->issued_at = now;
    session->expires_at = is_known ? news->expires_at : usual;
    if (winds_up) session->deadline_at = deadline;
    if (news->deadline_at != 0) session->deadline_at = news->deadline_at;
    stk_session_set_text(session->renewed_by, sizeof(session->renewed_by), news->by);
    session->renewed_at = now;
    session->checked_at = now;

    clear_challenge(session);
    session->challenge_at = STK_NEVER;
    session->block_unknown = false; /* blocked_until stays: it only moves forward */
    if (!stk_session_is_blocked(session, now)) session->blocks = 0;
    session->resume_state = STK_SESSION_VALID;
}

static void take_check(struct stk_session *session, const struct stk_session_news *news,
                       stk_time_ns now)
{
    session->checked_at = now;
    if (news->expires_at != 0) session->expires_at = news->expires_at;
    if (news->deadline_at != 0) session->deadline_at = news->deadline_at;
}

/* The old credential is known to be gone, so nothing leads back to it. A poll
 * that says "not yet" says nothing of it. */
static void take_loss(struct stk_session *session)
{
    bool has_challenge =
        session->state == STK_SESSION_CHALLENGE_OPEN || session->state == STK_SESSION_FINALIZING;
    if (!has_challenge) session->resume_state = STK_SESSION_NEEDS_HUMAN;
}

static void take_challenge(struct stk_session *session, const struct stk_session_spec *spec,
                           const struct stk_session_news *news, stk_time_ns now)
{
    bool runs = stk_session_is_runnable(session->state);
    clear_challenge(session);
    stk_session_set_text(session->link, sizeof(session->link), news->link);
    stk_session_set_text(session->code, sizeof(session->code), news->code);
    session->challenge_at = now;
    session->challenge_until = news->until > 0 ? news->until : now + spec->challenge_ttl_ns;
    session->poll_every_ns = spec->challenge_poll_ns;
    session->challenges++;
    session->resume_state = runs ? session->state : STK_SESSION_NEEDS_HUMAN;
}

static stk_time_ns later_of(stk_time_ns a, stk_time_ns b)
{
    return a > b ? a : b;
}

/* Fails closed: an unknown end is a guess that doubles, and a person opens. A
 * known one may be "now", time after time, which must not make a storm. */
static void take_lock(struct stk_session *session, const struct stk_session_news *news,
                      stk_time_ns now, uint64_t dice)
{
    bool is_unknown = news->until <= 0;
    stk_time_ns guess = BLOCK_UNKNOWN;
    for (uint32_t i = 0; i < session->blocks && guess < BLOCK_UNKNOWN_MAX; i++) {
        guess *= 2;
    }
    stk_time_ns least = now + stk_retry_backoff(&silence, session->blocks + 1, dice);
    stk_time_ns until = is_unknown ? now + guess : later_of(news->until, least);

    session->blocked_until = later_of(session->blocked_until, until);
    if (is_unknown) session->block_unknown = true;
    session->blocks++;
    /* What is refused unheard was not tried: it may be tried after the lock. */
    bool was_renewing = session->state == STK_SESSION_RENEWING;
    if (was_renewing && stk_session_renewal_begun(session)) session->renew_tried--;
}

static void take_login(struct stk_session *session, const struct stk_session_news *news,
                       stk_time_ns now)
{
    stk_session_set_text(session->wish, sizeof(session->wish), "login");
    if (news->by != NULL) {
        stk_session_set_text(session->wish_by, sizeof(session->wish_by), news->by);
    }
    session->wish_at = now;
    session->ready_at = now;
}

/* A sign-in was refused: neither an old "ready" nor the keeper starts another. */
static void take_refusal(struct stk_session *session, stk_time_ns now)
{
    if (session->state == STK_SESSION_RENEWING) return;
    session->ready_at = STK_NEVER;
    session->challenge_at = now;
}

/* The second sending of a renewal is told from the first by the tries. */
static void take_renewal(struct stk_session *session)
{
    bool again = session->state == STK_SESSION_RENEWING && stk_session_renewal_begun(session);
    bool runs = stk_session_is_runnable(session->state);
    session->tries = again ? STK_SESSION_ASK_AGAIN : 0;
    session->renew_tried = session->generation;
    if (session->state == STK_SESSION_RENEWING) return;
    session->resume_state = runs ? session->state : STK_SESSION_NEEDS_HUMAN;
}

/* Only a person's shortens it: the clock's comes when it is over anyway. */
static void take_unlock(struct stk_session *session)
{
    session->block_unknown = false;
    session->blocked_until = STK_NEVER;
}

void stk_session_move_clocks(struct stk_session *session, const struct stk_session_spec *spec,
                             enum stk_session_event event, const struct stk_session_news *news,
                             stk_time_ns now, uint64_t dice)
{
    switch ((int)event) { /* the others move no clock */
    case STK_SESSION_ON_CREDENTIAL: take_credential(session, spec, news, now); break;
    case STK_SESSION_ON_CHECK_OK: take_check(session, news, now); break;
    case STK_SESSION_ON_CHECK_LOST:
        take_loss(session);
        session->checked_at = now;
        break;
    case STK_SESSION_ON_NO_ANSWER: session->checked_at = now; break;
    case STK_SESSION_ON_RENEW: take_renewal(session); break;
    case STK_SESSION_ON_REFUSED: take_refusal(session, now); break;
    case STK_SESSION_ON_LOCKED: take_lock(session, news, now, dice); break;
    case STK_SESSION_ON_UNLOCKED: take_unlock(session); break;
    case STK_SESSION_ON_CHALLENGE: take_challenge(session, spec, news, now); break;
    case STK_SESSION_ON_RIVAL:
        take_loss(session);
        clear_challenge(session);
        break;
    case STK_SESSION_ON_CHALLENGE_OVER:
    case STK_SESSION_ON_DENIED:
    case STK_SESSION_ON_CANCEL: clear_challenge(session); break;
    case STK_SESSION_ON_LOGIN: take_login(session, news, now); break;
    case STK_SESSION_ON_READY: session->ready_at = now; break;
    default: break;
    }
}

static stk_time_ns poll_wait(const struct stk_session *session, const struct stk_session_spec *spec)
{
    stk_time_ns every =
        session->poll_every_ns > 0 ? session->poll_every_ns : spec->challenge_poll_ns;
    return later_of(every, STK_SECOND);
}

/* When the keeper may ask again. Silence backs off; a poll keeps its pace. */
void stk_session_set_tries(struct stk_session *session, const struct stk_session_spec *spec,
                           enum stk_session_event event, const struct stk_session_news *news,
                           stk_time_ns now, uint64_t dice)
{
    bool is_silent = event == STK_SESSION_ON_NO_ANSWER;
    bool is_answer = event == STK_SESSION_ON_CHALLENGE || event == STK_SESSION_ON_CHECK_LOST;
    bool polls = session->state == STK_SESSION_CHALLENGE_OPEN && (is_silent || is_answer);
    if (polls && news->poll_every_ns > 0) session->poll_every_ns = news->poll_every_ns;

    stk_time_ns wait = 0;
    if (is_silent) {
        session->tries += session->tries < UINT32_MAX;
        wait = stk_retry_backoff(&silence, session->tries, dice);
    } else if (event != STK_SESSION_ON_RENEW) {
        session->tries = 0;
    }
    if (polls && wait < poll_wait(session, spec)) wait = poll_wait(session, spec);
    session->try_at = wait > 0 ? now + wait : STK_NEVER;
}
