/* SPDX-License-Identifier: MIT */
#include "model/notice_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/projection.h"

enum { SENTENCE_BYTES = 1000 };

/* --- what helps ----------------------------------------------------------- */

/* How this session gets a new credential from a person. */
static void add_help(struct stk_buf *buf, const struct stk_notice_case *it)
{
    const struct stk_session_spec *spec = it->spec;
    bool is_file = stk_session_spec_watches(spec) && spec->file != NULL;
    if (is_file) {
        stk_buf_addf(buf, "put a new credential into %s", spec->file);
    } else if (spec->provider == STK_PROVIDER_MANUAL) {
        stk_buf_addf(buf, "stoker session import %s", it->session->name);
    } else {
        stk_buf_addf(buf, "stoker session renew %s", it->session->name);
    }
}

static void add_ready(struct stk_buf *buf, const struct stk_notice_case *it)
{
    stk_buf_addf(buf, "stoker session ready %s", it->session->name);
}

static void add_done(struct stk_buf *buf, const struct stk_notice_case *it)
{
    stk_buf_addf(buf, "stoker session done %s", it->session->name);
}

static void add_login(struct stk_buf *buf, const struct stk_notice_case *it)
{
    stk_buf_addf(buf, "stoker session login %s", it->session->name);
}

static void add_unlock(struct stk_buf *buf, const struct stk_notice_case *it)
{
    if (!it->session->block_unknown) return;
    stk_buf_addf(buf, "stoker session unlock %s", it->session->name);
}

static void add_status(struct stk_buf *buf, const struct stk_notice_case *it)
{
    stk_buf_addf(buf, "stoker session status %s", it->session->name);
}

/* "session "lab" ..." of each state that a person is told of. */
/* clang-format off */
static const struct words {
    enum stk_session_state state;
    const char *says;
    void (*help)(struct stk_buf *buf, const struct stk_notice_case *it);
    const char *before; /* the help */
} words[] = {
    { STK_SESSION_NONE,           "was never signed in",                                  add_help,   ": " },
    { STK_SESSION_NEEDS_HUMAN,    "has ended and needs a person",                         add_help,   ": " },
    { STK_SESSION_AWAIT_READY,    "needs a person who can sign in right now",             add_ready,  ": " },
    { STK_SESSION_CHALLENGE_OPEN, "has a link or code that waits for a person",           add_done,   ": open it, then say " },
    { STK_SESSION_AUTH_LOCKED,    "is locked out: do not sign in, it may extend the lock", add_unlock, "; when the authority says it is over: " },
    { STK_SESSION_UNREACHABLE,    "has an authority that does not answer; it is asked again and again", add_status, ": " },
    { STK_SESSION_REJECTED,       "was refused by its authority (wrong password, denied or revoked)", add_login, ": put that right, then say " },
    { STK_SESSION_COMPETING,      "was ended by another sign-in to the same account",     add_help,   ": agree on who uses it, then " },
};
/* clang-format on */

static const struct words *find_words(enum stk_session_state state)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (words[i].state == state) return &words[i];
    }
    return &words[0]; /* model/notice tells of no other */
}

/* --- sentences ------------------------------------------------------------ */

static void add_span(struct stk_buf *buf, const char *before, stk_time_ns span)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(span > 0 ? span - span % STK_SECOND : 0, text);
    stk_buf_addf(buf, "%s%s", before, text);
}

static void add_jobs(struct stk_buf *buf, int64_t count, const char *one, const char *many)
{
    stk_buf_addf(buf, "%" PRId64 " %s", count, count == 1 ? one : many);
}

static void add_waiting(struct stk_buf *buf, const struct stk_notice_facts *facts)
{
    if (facts->pending == 0) return;
    stk_buf_adds(buf, " ");
    add_jobs(buf, facts->pending, "job waits", "jobs wait");
    if (facts->waiting > 0) {
        stk_buf_adds(buf, ", ");
        add_jobs(buf, facts->waiting, "worker is idle", "workers are idle");
    }
    stk_buf_adds(buf, ".");
}

static void add_reason(struct stk_buf *buf, const struct stk_session *session)
{
    if (session->reason[0] == '\0') return;
    stk_buf_adds(buf, " (");
    stk_text_add_escaped(buf, session->reason, strlen(session->reason));
    stk_buf_adds(buf, ")");
}

static void add_subject(struct stk_notice_due *due, const struct stk_session *session)
{
    stk_buf_addf(&due->subject, "session %s", session->name);
}

/* --- facts ---------------------------------------------------------------- */

static void put(json_t *facts, const char *name, json_t *value)
{
    (void)json_object_set_new(facts, name, value);
}

static json_t *time_or_null(stk_time_ns at)
{
    char text[STK_TIME_TEXT];
    if (at == STK_NEVER) return json_null();
    stk_time_text(at, text);
    return json_string(text);
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text[0] == '\0' ? NULL : json_string(text); /* NULL also when no UTF-8 */
    return value != NULL ? value : json_null();
}

static void add_facts(const struct stk_notice_case *it, struct stk_notice_due *due)
{
    const struct stk_session *session = it->session;
    STK_CLEANUP(stk_json_freep) json_t *facts = json_object();
    bool is_known = it->facts->work_ns != STK_NEVER;
    put(facts, "session", json_string(session->name));
    put(facts, "state", json_string(stk_session_state_name(session->state)));
    put(facts, "generation", json_integer(session->generation));
    put(facts, "expires_at", time_or_null(session->expires_at));
    put(facts, "deadline_at", time_or_null(session->deadline_at));
    put(facts, "renewed_by", text_or_null(session->renewed_by));
    put(facts, "reason", text_or_null(session->reason));
    put(facts, "link", text_or_null(session->link));
    put(facts, "code", text_or_null(session->code));
    put(facts, "pending", json_integer(it->facts->pending));
    put(facts, "running", json_integer(it->facts->running));
    put(facts, "waiting_workers", json_integer(it->facts->waiting));
    put(facts, "work_s", is_known ? json_integer(it->facts->work_ns / STK_SECOND) : json_null());
    put(facts, "repeat", json_boolean(due->is_repeat));
    stk_json_add(&due->facts, facts);
}

/* --- notices -------------------------------------------------------------- */

void stk_notice_text_expiring(const struct stk_notice_case *it, stk_time_ns end,
                              struct stk_notice_due *due)
{
    struct stk_buf *text = &due->text;
    stk_buf_addf(text, "session \"%s\" ends", it->session->name);
    add_span(text, " in ", end - it->now);
    stk_buf_adds(text, ", at ");
    stk_moment_add(text, end, it->now);
    stk_buf_adds(text, ", and only a person renews it: ");
    add_help(text, it);
    stk_buf_adds(text, ".");
    add_waiting(text, it->facts);
    STK_CLEANUP(stk_buf_release) struct stk_buf more = STK_BUF_INIT;
    stk_projection_add(&more, it->facts->work_ns, end, it->now);
    if (more.len > 0) stk_buf_addf(text, " As far as is known, %s.", stk_buf_str(&more));
    add_subject(due, it->session);
    add_facts(it, due);
}

static void add_until(struct stk_buf *text, const struct stk_notice_case *it)
{
    const struct stk_session *session = it->session;
    bool is_locked = session->state == STK_SESSION_AUTH_LOCKED && !session->block_unknown;
    bool is_open = session->state == STK_SESSION_CHALLENGE_OPEN;
    stk_time_ns until = is_locked ? session->blocked_until
                        : is_open ? session->challenge_until
                                  : STK_NEVER;
    if (until == STK_NEVER || until <= it->now) return;
    stk_buf_adds(text, is_open ? ". It is good until " : ", until ");
    stk_moment_add(text, until, it->now);
}

void stk_notice_text_standing(const struct stk_notice_case *it, struct stk_notice_due *due)
{
    const struct stk_session *session = it->session;
    const struct words *row = find_words(session->state);
    struct stk_buf *text = &due->text;
    STK_CLEANUP(stk_buf_release) struct stk_buf help = STK_BUF_INIT;
    row->help(&help, it);

    if (due->kind == STK_NOTICE_CHALLENGE_OVER) {
        stk_buf_addf(text, "the link or code of session \"%s\" is worth nothing any more",
                     session->name);
        add_reason(text, session);
    } else {
        stk_buf_addf(text, "session \"%s\" %s", session->name,
                     due->is_repeat ? "still needs a person" : row->says);
        add_reason(text, session);
        if (due->is_repeat) add_span(text, ", since ", it->now - session->changed_at);
    }
    if (help.len > 0) stk_buf_addf(text, "%s%s", row->before, stk_buf_str(&help));
    add_until(text, it);
    stk_buf_adds(text, ".");
    add_waiting(text, it->facts);
    add_subject(due, session);
    add_facts(it, due);
}

void stk_notice_text_renewed(const struct stk_notice_case *it, struct stk_notice_due *due)
{
    const struct stk_session *session = it->session;
    struct stk_buf *text = &due->text;
    stk_time_ns end = session->expires_at;
    bool is_sooner =
        session->deadline_at != STK_NEVER && (end == STK_NEVER || session->deadline_at < end);
    if (is_sooner) end = session->deadline_at;

    stk_buf_addf(text, "session \"%s\" is open", session->name);
    if (session->renewed_by[0] != '\0') {
        stk_buf_adds(text, ", renewed by ");
        stk_text_add_escaped(text, session->renewed_by, strlen(session->renewed_by));
    }
    if (end != STK_NEVER) {
        add_span(text, ", for ", end - it->now);
        stk_buf_adds(text, " (until ");
        stk_moment_add(text, end, it->now);
        stk_buf_adds(text, ")");
    }
    stk_buf_adds(text, ".");
    if (it->facts->pending > 0) {
        stk_buf_adds(text, " ");
        add_jobs(text, it->facts->pending, "job goes on.", "jobs go on.");
    }
    add_subject(due, session);
    add_facts(it, due);
}

void stk_notice_text_limit(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, struct stk_notice_due *due)
{
    char sentence[SENTENCE_BYTES];
    STK_CLEANUP(stk_json_freep) json_t *facts = json_object();
    stk_limit_sentence(limit, spec, 0, now, sentence, sizeof(sentence));
    stk_buf_adds(&due->text, sentence);
    stk_buf_adds(&due->text, ", until ");
    stk_moment_add(&due->text, limit->blocked_until, now);
    stk_buf_addf(&due->text,
                 ". It opens by itself; if you know that it may open now: "
                 "stoker limits clear %s.",
                 limit->name);
    stk_buf_addf(&due->subject, "limit %s", limit->name);
    put(facts, "limit", json_string(limit->name));
    put(facts, "until", time_or_null(limit->blocked_until));
    put(facts, "reason", text_or_null(limit->reason));
    put(facts, "episode", json_integer(limit->episode));
    stk_json_add(&due->facts, facts);
}

void stk_notice_text_test(const char *actor, struct stk_notice_due *due)
{
    stk_buf_adds(&due->text, "this is a test of stoker's notices");
    if (actor != NULL) {
        stk_buf_adds(&due->text, ", asked for by ");
        stk_text_add_escaped(&due->text, actor, strlen(actor));
    }
    stk_buf_adds(&due->text, ": nothing needs to be done.");
    stk_buf_adds(&due->subject, "test");
    stk_buf_adds(&due->facts, "{}");
}
