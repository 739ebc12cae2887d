/* SPDX-License-Identifier: MIT */
#include "model/notice.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/timetext.h"
#include "model/notice_text.h"
#include "model/session_rules.h"

#define BUSY_FOR  STK_MINUTE /* the keeper is at it: wait what comes of that */
#define LONG      (10 * STK_MINUTE)
#define NEWS_FOR  STK_HOUR
#define END_SLACK (5 * STK_MINUTE)

static const struct {
    const char *name, *meaning;
} kinds[] = {
#define KIND_ROW(name, text, when) [STK_NOTICE_##name] = { text, when },
    STK_NOTICE_MAP(KIND_ROW)
#undef KIND_ROW
};
_Static_assert(STK_ARRAY_LEN(kinds) == STK_NOTICE_COUNT_, "one row per kind");

/* What is said of a state, so long after it began. */
/* clang-format off */
static const struct standing {
    enum stk_session_state state;
    enum stk_notice_kind kind;
    stk_time_ns after;
    bool repeats;
} standings[] = {
    { STK_SESSION_NONE,           STK_NOTICE_ACTION_REQUIRED, 0,    true  },
    { STK_SESSION_NEEDS_HUMAN,    STK_NOTICE_ACTION_REQUIRED, 0,    true  },
    { STK_SESSION_AWAIT_READY,    STK_NOTICE_ACTION_REQUIRED, 0,    true  },
    { STK_SESSION_CHALLENGE_OPEN, STK_NOTICE_CHALLENGE,       0,    true  },
    { STK_SESSION_AUTH_LOCKED,    STK_NOTICE_LOCKOUT,         0,    false },
    { STK_SESSION_UNREACHABLE,    STK_NOTICE_UNREACHABLE,     LONG, false },
    { STK_SESSION_REJECTED,       STK_NOTICE_REJECTED,        0,    true  },
    { STK_SESSION_COMPETING,      STK_NOTICE_COMPETING,       0,    true  },
};

/* So long before an end that only a person can move; of short lives no more than
 * that part. The first row is the session's own `warn`. */
static const struct threshold {
    const char *name;
    stk_time_ns before;
    int percent_max;
} thresholds[] = {
    { "warn", 0,               50 },
    { "24h",  24 * STK_HOUR,   50 },
    { "6h",   6 * STK_HOUR,    20 },
    { "1h",   STK_HOUR,        5  },
    { "15m",  15 * STK_MINUTE, 5  },
};
/* clang-format on */

const char *stk_notice_name(enum stk_notice_kind kind)
{
    assert(kind < STK_NOTICE_COUNT_);
    return kinds[kind].name;
}

const char *stk_notice_meaning(enum stk_notice_kind kind)
{
    assert(kind < STK_NOTICE_COUNT_);
    return kinds[kind].meaning;
}

/* --- the list ------------------------------------------------------------- */

void stk_notices_release(struct stk_notices *notices)
{
    for (size_t i = 0; i < notices->count; i++) {
        stk_buf_release(&notices->list[i].subject);
        stk_buf_release(&notices->list[i].key);
        stk_buf_release(&notices->list[i].text);
        stk_buf_release(&notices->list[i].facts);
    }
    *notices = (struct stk_notices){ .again_at = STK_NEVER };
}

static struct stk_notice_due *add(struct stk_notices *notices, enum stk_notice_kind kind)
{
    assert(notices->count < STK_NOTICES_DUE_MAX);
    struct stk_notice_due *due = &notices->list[notices->count++];
    *due = (struct stk_notice_due){ .kind = kind };
    return due;
}

static void ask_again(struct stk_notices *notices, stk_time_ns at)
{
    bool is_first = notices->again_at == STK_NEVER || at < notices->again_at;
    if (is_first) notices->again_at = at;
}

/* --- before the end ------------------------------------------------------- */

struct end {
    stk_time_ns at, life;
    bool is_deadline;
};

/* The end that comes first of those that no silent renewal moves; at STK_NEVER:
 * there is none. A renewal that was tried in vain is none. */
static struct end end_for_person(const struct stk_session *session,
                                 const struct stk_session_spec *spec)
{
    bool is_vain = session->state == STK_SESSION_EXPIRING && stk_session_renewal_begun(session);
    bool is_moved = stk_session_spec_renews(spec) && !is_vain;
    struct end end = { .at = STK_NEVER };
    if (!is_moved && session->expires_at != STK_NEVER) {
        end = (struct end){ session->expires_at, session->expires_at - session->issued_at, false };
    }
    bool is_sooner =
        session->deadline_at != STK_NEVER && (end.at == STK_NEVER || session->deadline_at < end.at);
    if (!is_sooner) return end;
    stk_time_ns life = spec->deadline_ns > 0 ? spec->deadline_ns : STK_DAY;
    return (struct end){ session->deadline_at, life, true };
}

static stk_time_ns before_of(const struct threshold *threshold, const struct stk_session_spec *spec,
                             stk_time_ns life)
{
    stk_time_ns before = threshold == thresholds ? spec->warn_ns : threshold->before;
    stk_time_ns most = life / 100 * threshold->percent_max;
    return before < most ? before : most;
}

/* A deadline may be told anew, some seconds off, with each check: by the hour. */
static void add_expiring_key(struct stk_buf *key, const struct stk_session *session,
                             const struct end *end, const char *threshold)
{
    if (end->is_deadline) {
        stk_buf_addf(key, "%s/until-%" PRId64 "/expiring/%s", session->name, end->at / STK_HOUR,
                     threshold);
    } else {
        stk_buf_addf(key, "%s/%" PRId64 "/expiring/%s", session->name, session->generation,
                     threshold);
    }
}

static void add_expiring(const struct stk_notice_case *it, struct stk_notices *ret)
{
    const struct end end = end_for_person(it->session, it->spec);
    const struct threshold *reached = NULL;
    stk_time_ns nearest = 0;
    if (end.at == STK_NEVER || end.at <= it->now) return;

    for (size_t i = 0; i < STK_ARRAY_LEN(thresholds); i++) {
        stk_time_ns before = before_of(&thresholds[i], it->spec, end.life);
        if (before <= 0) continue;
        if (it->now < end.at - before) {
            ask_again(ret, end.at - before);
        } else if (reached == NULL || before < nearest) {
            reached = &thresholds[i];
            nearest = before;
        }
    }
    if (reached == NULL) return;
    struct stk_notice_due *due = add(ret, STK_NOTICE_EXPIRING);
    add_expiring_key(&due->key, it->session, &end, reached->name);
    stk_notice_text_expiring(it, end.at, due);
}

/* --- while it is closed --------------------------------------------------- */

/* How many repeats have come by now, and when the next one does: after half of
 * `remind`, then once, then twice as long, for ever. */
static int64_t count_repeats(stk_time_ns waited, stk_time_ns remind, stk_time_ns *ret_next)
{
    const stk_time_ns first[] = { remind / 2, remind / 2 + remind, remind / 2 + 3 * remind };
    for (size_t i = 0; i < STK_ARRAY_LEN(first); i++) {
        *ret_next = first[i];
        if (waited < first[i]) return (int64_t)i;
    }
    int64_t more = (waited - first[2]) / (2 * remind);
    *ret_next = first[2] + (more + 1) * 2 * remind;
    return 3 + more;
}

/* The keeper does something about it itself. */
static bool is_busy(const struct stk_notice_case *it)
{
    const struct stk_session *session = it->session;
    bool is_new = session->changed_at == 0 || it->now - session->changed_at < BUSY_FOR;
    bool may_begin =
        session->state == STK_SESSION_NONE || session->state == STK_SESSION_NEEDS_HUMAN;
    if (!is_new || !may_begin) return false;
    return stk_session_plan(session, it->spec, it->now).act != STK_SESSION_ACT_WAIT;
}

static const struct standing *find_standing(enum stk_session_state state)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(standings); i++) {
        if (standings[i].state == state) return &standings[i];
    }
    return NULL;
}

static enum stk_notice_kind kind_of(const struct stk_notice_case *it,
                                    const struct standing *standing)
{
    const struct stk_session *before = it->before;
    bool was_open = before != NULL && (before->state == STK_SESSION_CHALLENGE_OPEN ||
                                       before->state == STK_SESSION_FINALIZING);
    bool is_over = was_open && it->session->state == STK_SESSION_NEEDS_HUMAN;
    return is_over ? STK_NOTICE_CHALLENGE_OVER : standing->kind;
}

/* One key for a state that began then, whatever is said of it: else what was told
 * as a challenge that is over would be told again as an action required. */
static void add_standing_key(struct stk_buf *key, const struct stk_session *session, int64_t repeat)
{
    stk_buf_addf(key, "%s/%" PRId64 "/%s/%" PRId64, session->name, session->generation,
                 stk_session_state_name(session->state), session->changed_at / STK_MS);
    if (repeat > 0) stk_buf_addf(key, "/%" PRId64, repeat);
}

static void add_standing(const struct stk_notice_case *it, struct stk_notices *ret)
{
    const struct stk_session *session = it->session;
    const struct standing *standing = find_standing(session->state);
    if (standing == NULL) return;
    if (is_busy(it)) {
        ask_again(ret, it->now + BUSY_FOR);
        return;
    }
    stk_time_ns waited = it->now - session->changed_at, next = 0;
    if (waited < standing->after) {
        ask_again(ret, session->changed_at + standing->after);
        return;
    }
    int64_t repeat = 0;
    bool may_repeat = standing->repeats && it->spec->remind_ns > 0 && session->changed_at > 0;
    if (may_repeat) {
        repeat = count_repeats(waited, it->spec->remind_ns, &next);
        ask_again(ret, session->changed_at + next);
    }
    struct stk_notice_due *due =
        add(ret, repeat > 0 ? STK_NOTICE_ACTION_REQUIRED : kind_of(it, standing));
    due->is_repeat = repeat > 0;
    add_standing_key(&due->key, session, repeat);
    stk_notice_text_standing(it, due);
}

/* --- when it goes on ------------------------------------------------------ */

static bool was_told(const struct stk_notice_case *it)
{
    const struct stk_session *before = it->before;
    if (before == NULL || stk_session_is_runnable(before->state)) return false;
    if (before->state == STK_SESSION_DISABLED) return false; /* who paused it knows */
    const struct standing *standing = find_standing(before->state);
    bool is_asked = before->state == STK_SESSION_RENEWING && /* for, by a person */
                    before->resume_state == STK_SESSION_NEEDS_HUMAN;
    bool is_passed = before->state == STK_SESSION_FINALIZING || is_asked;
    return is_passed || (standing != NULL && it->now - before->changed_at >= standing->after);
}

static void add_renewed(const struct stk_notice_case *it, struct stk_notices *ret)
{
    const struct stk_session *session = it->session;
    bool is_news = session->renewed_at != STK_NEVER && it->now - session->renewed_at < NEWS_FOR;
    bool is_new = it->before == NULL || it->before->generation != session->generation;
    bool by_person = is_news && session->renewed_by[0] != '\0';
    if (session->generation == 0 || (!by_person && !was_told(it))) return;

    struct stk_notice_due *due = add(ret, STK_NOTICE_RENEWED);
    stk_buf_addf(&due->key, "%s/%" PRId64 "/renewed", session->name, session->generation);
    bool is_same = !is_new && !by_person; /* open again, with the credential it had */
    if (is_same) stk_buf_addf(&due->key, "/%" PRId64, session->changed_at / STK_MS);
    stk_notice_text_renewed(it, due);
}

void stk_notices_of_session(const struct stk_session *before, const struct stk_session *session,
                            const struct stk_session_spec *spec,
                            const struct stk_notice_facts *facts, stk_time_ns now,
                            struct stk_notices *ret)
{
    assert(session != NULL && spec != NULL && facts != NULL && ret != NULL);
    const struct stk_notice_case it = { before, session, spec, facts, now };
    *ret = (struct stk_notices){ .again_at = STK_NEVER };
    if (stk_session_admits(session, now)) {
        add_renewed(&it, ret);
        add_expiring(&it, ret);
    } else {
        add_standing(&it, ret);
    }
}

/* --- the rest ------------------------------------------------------------- */

void stk_notices_of_limit(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          stk_time_ns now, struct stk_notices *ret)
{
    *ret = (struct stk_notices){ .again_at = STK_NEVER };
    bool is_long = limit->blocked_until > now && limit->blocked_until - limit->episode_at > LONG;
    if (!is_long) return;
    struct stk_notice_due *due = add(ret, STK_NOTICE_LIMIT_LONG);
    stk_buf_addf(&due->key, "limit/%s/%" PRId64 "/long", limit->name, limit->episode);
    stk_notice_text_limit(limit, spec, now, due);
}

void stk_notices_of_test(const char *actor, stk_time_ns now, struct stk_notices *ret)
{
    *ret = (struct stk_notices){ .again_at = STK_NEVER };
    struct stk_notice_due *due = add(ret, STK_NOTICE_TEST);
    stk_buf_addf(&due->key, "test/%" PRId64, now);
    stk_notice_text_test(actor, due);
}

/* --- what has passed ------------------------------------------------------ */

/* What was told, and what is so now. */
struct told {
    const json_t *facts;
    const struct stk_session *session;
    const struct stk_session_spec *spec;
    stk_time_ns now;
};

static stk_time_ns told_time(const struct told *told, const char *name)
{
    stk_time_ns at = STK_NEVER;
    const char *text = json_string_value(json_object_get(told->facts, name));
    return text != NULL && stk_time_parse(text, &at) ? at : STK_NEVER;
}

/* A link or code was told, and the session has it no more: it opens nothing. */
static bool is_dead(const struct told *told, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(told->facts, name));
    return value != NULL && strcmp(value, text) != 0;
}

/* Who paused it knows. */
static bool goes_on(const struct told *told)
{
    const struct stk_session *session = told->session;
    if (session == NULL) return false;
    const json_t *generation = json_object_get(told->facts, "generation");
    return session->generation > json_integer_value(generation) ||
           session->state == STK_SESSION_DISABLED || stk_session_admits(session, told->now) ||
           is_dead(told, "link", session->link) || is_dead(told, "code", session->code);
}

/* Nobody has to act: what comes after the state is told by itself. */
static bool is_left(const struct told *told)
{
    if (told->session == NULL) return false;
    const char *state = json_string_value(json_object_get(told->facts, "state"));
    const char *now = stk_session_state_name(told->session->state);
    return goes_on(told) || state == NULL || strcmp(state, now) != 0;
}

/* A silent renewal moves the credential's end, not a deadline; and an authority
 * that tells an end with each check never tells it to the second. */
static bool ends_otherwise(const struct told *told)
{
    if (told->session == NULL) return false;
    if (!stk_session_admits(told->session, told->now)) return true; /* that is told by itself */
    const struct end end = end_for_person(told->session, told->spec);
    stk_time_ns then = told_time(told, end.is_deadline ? "deadline_at" : "expires_at");
    return end.at == STK_NEVER || then == STK_NEVER || end.at > then + END_SLACK;
}

static bool is_past(const struct told *told)
{
    stk_time_ns until = told_time(told, "until");
    return until != STK_NEVER && until <= told->now;
}

static bool never(const struct told *told)
{
    (void)told;
    return false;
}

/* clang-format off */
static bool (*const passings[])(const struct told *told) = {
    [STK_NOTICE_EXPIRING]        = ends_otherwise,
    [STK_NOTICE_ACTION_REQUIRED] = goes_on,
    [STK_NOTICE_CHALLENGE]       = goes_on,
    [STK_NOTICE_CHALLENGE_OVER]  = goes_on,
    [STK_NOTICE_COMPETING]       = goes_on,
    [STK_NOTICE_LOCKOUT]         = is_left,
    [STK_NOTICE_REJECTED]        = goes_on,
    [STK_NOTICE_UNREACHABLE]     = is_left,
    [STK_NOTICE_RENEWED]         = never,
    [STK_NOTICE_LIMIT_LONG]      = is_past,
    [STK_NOTICE_TEST]            = never,
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(passings) == STK_NOTICE_COUNT_, "one row per kind");

bool stk_notice_is_over(const char *event, const json_t *facts, const struct stk_session *session,
                        const struct stk_session_spec *spec, stk_time_ns now)
{
    assert((session == NULL) == (spec == NULL));
    const struct told told = { facts, session, spec, now };
    for (size_t i = 0; i < STK_NOTICE_COUNT_; i++) {
        if (strcmp(kinds[i].name, event) == 0) return passings[i](&told);
    }
    return false;
}
