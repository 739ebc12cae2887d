/* SPDX-License-Identifier: MIT */
#include "model/session.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "base/timetext.h"
#include "model/session_rules.h"

static const struct {
    const char *name;
    bool is_runnable, needs_person;
    const char *meaning;
} states[] = {
#define STATE_ROW(name, text, runnable, person, meaning) \
    [STK_SESSION_##name] = { text, runnable, person, meaning },
    STK_SESSION_STATE_MAP(STATE_ROW)
#undef STATE_ROW
};
_Static_assert(STK_ARRAY_LEN(states) == STK_SESSION_STATE_COUNT_, "one row per state");

static const char *const events[] = {
#define EVENT_ROW(name, text) [STK_SESSION_ON_##name] = (text),
    STK_SESSION_EVENT_MAP(EVENT_ROW)
#undef EVENT_ROW
};
_Static_assert(STK_ARRAY_LEN(events) == STK_SESSION_EVENT_COUNT_, "one row per event");

static const char *const acts[] = {
#define ACT_ROW(name, text) [STK_SESSION_ACT_##name] = (text),
    STK_SESSION_ACT_MAP(ACT_ROW)
#undef ACT_ROW
};
_Static_assert(STK_ARRAY_LEN(acts) == STK_SESSION_ACT_COUNT_, "one row per act");

void stk_session_init(struct stk_session *session, const char *name)
{
    *session = (struct stk_session){
        .state = STK_SESSION_NONE,
        .resume_state = STK_SESSION_NONE,
        .issued_at = STK_NEVER,
        .expires_at = STK_NEVER,
        .deadline_at = STK_NEVER,
        .renewed_at = STK_NEVER,
        .try_at = STK_NEVER,
        .checked_at = STK_NEVER,
        .challenge_at = STK_NEVER,
        .challenge_until = STK_NEVER,
        .ready_at = STK_NEVER,
        .blocked_until = STK_NEVER,
        .wish_at = STK_NEVER,
        .lease_until = STK_NEVER,
    };
    stk_session_set_text(session->name, sizeof(session->name), name);
}

bool stk_session_is_runnable(enum stk_session_state state)
{
    assert(state < STK_SESSION_STATE_COUNT_);
    return states[state].is_runnable;
}

bool stk_session_admits(const struct stk_session *session, stk_time_ns now)
{
    return stk_session_is_runnable(session->state) &&
           !stk_session_is_past(session->expires_at, now) &&
           !stk_session_is_past(session->deadline_at, now);
}

bool stk_session_needs_person(enum stk_session_state state)
{
    assert(state < STK_SESSION_STATE_COUNT_);
    return states[state].needs_person;
}

const char *stk_session_state_name(enum stk_session_state state)
{
    assert(state < STK_SESSION_STATE_COUNT_);
    return states[state].name;
}

const char *stk_session_state_meaning(enum stk_session_state state)
{
    assert(state < STK_SESSION_STATE_COUNT_);
    return states[state].meaning;
}

bool stk_session_state_from_name(const char *name, enum stk_session_state *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(states); i++) {
        if (strcmp(states[i].name, name) != 0) continue;
        *ret = (enum stk_session_state)i;
        return true;
    }
    return false;
}

const char *stk_session_act_name(enum stk_session_act act)
{
    assert(act < STK_SESSION_ACT_COUNT_);
    return acts[act];
}

const char *stk_session_event_name(enum stk_session_event event)
{
    assert(event < STK_SESSION_EVENT_COUNT_);
    return events[event];
}

/* --- the sentence --------------------------------------------------------- */

/* In the patterns: %n the name, %l the link and its code. */
/* clang-format off */
static const char *const sentences[] = {
    [STK_SESSION_NONE]           = "was never signed in: stoker session renew %n",
    [STK_SESSION_VALID]          = "is open",
    [STK_SESSION_EXPIRING]       = "is open",
    [STK_SESSION_SUSPECT]        = "is being checked, a job saw it refused",
    [STK_SESSION_RENEWING]       = "is being renewed",
    [STK_SESSION_NEEDS_HUMAN]    = "needs a person: stoker session renew %n",
    [STK_SESSION_AWAIT_READY]    = "needs a person: when you can sign in now, stoker session ready %n",
    [STK_SESSION_CHALLENGE_OPEN] = "needs a person: open %l, then stoker session done %n",
    [STK_SESSION_FINALIZING]     = "is being completed",
    [STK_SESSION_AUTH_LOCKED]    = "is locked by the authority",
    [STK_SESSION_UNREACHABLE]    = "cannot be checked, the authority does not answer",
    [STK_SESSION_REJECTED]       = "was refused for good: put it right, then stoker session renew %n",
    [STK_SESSION_COMPETING]      = "was taken by another sign-in: stoker session renew %n",
    [STK_SESSION_DISABLED]       = "is paused by a person: stoker session resume %n",
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(sentences) == STK_SESSION_STATE_COUNT_, "one per state");

/* Links come from outside: escaped, they cannot move anybody's cursor. */
static void add_link(struct stk_buf *buf, const struct stk_session *session)
{
    bool has_link = session->link[0] != '\0';
    const char *link = has_link ? session->link : "the sign-in page";
    stk_text_add_escaped(buf, link, strlen(link));
    if (session->code[0] == '\0') return;
    stk_buf_adds(buf, " and type ");
    stk_text_add_escaped(buf, session->code, strlen(session->code));
}

static void add_pattern(struct stk_buf *buf, const char *pattern, const struct stk_session *session)
{
    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c != '%') {
            stk_buf_addc(buf, *c);
        } else if (*++c == 'n') {
            stk_buf_adds(buf, session->name);
        } else {
            add_link(buf, session);
        }
    }
}

static void add_span(struct stk_buf *buf, const char *before, stk_time_ns until, stk_time_ns now)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(until > now ? until - now : 0, text);
    stk_buf_addf(buf, "%s%s", before, text);
}

/* The end that comes first: of the credential, or of what a person wound up. */
static stk_time_ns end_of(const struct stk_session *session)
{
    stk_time_ns expires = session->expires_at;
    stk_time_ns deadline = session->deadline_at;
    if (expires == STK_NEVER) return deadline;
    return deadline != STK_NEVER && deadline < expires ? deadline : expires;
}

static void add_rest(struct stk_buf *buf, const struct stk_session *session, stk_time_ns now)
{
    if (stk_session_is_runnable(session->state)) {
        stk_time_ns end = end_of(session);
        if (end != STK_NEVER) add_span(buf, ", ends in ", end, now);
    } else if (session->state == STK_SESSION_AUTH_LOCKED && session->block_unknown) {
        stk_buf_addf(buf, " until a person says stoker session unlock %s", session->name);
    } else if (session->state == STK_SESSION_AUTH_LOCKED) {
        add_span(buf, " for ", session->blocked_until, now);
    }
    if (stk_session_is_runnable(session->state) || session->reason[0] == '\0') return;
    stk_buf_adds(buf, " (");
    stk_text_add_escaped(buf, session->reason, strlen(session->reason));
    stk_buf_adds(buf, ")");
}

void stk_session_sentence(const struct stk_session *session, stk_time_ns now, char *ret_text,
                          size_t size)
{
    assert(session != NULL && size > 0);
    struct stk_buf buf = STK_BUF_INIT;
    stk_buf_addf(&buf, "session \"%s\" ", session->name);
    bool is_past = stk_session_is_runnable(session->state) && !stk_session_admits(session, now);
    add_pattern(&buf, is_past ? "has just ended" : sentences[session->state], session);
    if (!is_past) add_rest(&buf, session, now);

    size_t len = buf.len < size ? buf.len : stk_utf8_cut(buf.data, size - 1);
    memcpy(ret_text, buf.data, len);
    ret_text[len] = '\0';
    stk_buf_release(&buf);
}

void stk_session_open_sentence(const struct stk_session *session, stk_time_ns now, char *ret_text,
                               size_t size)
{
    struct stk_session open = *session;
    open.link[0] = open.code[0] = '\0';
    stk_session_sentence(&open, now, ret_text, size);
}
