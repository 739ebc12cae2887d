/* SPDX-License-Identifier: MIT
 *
 * What an answer means, by the first row that fits:
 *
 *   our own stop; no answer                       STOPPED; UNSENT, NO_ANSWER, TOO_LARGE
 *   the texts of slots_marker, quota_marker, 4xx  THROTTLED
 *   429, 503 with Retry-After                     THROTTLED
 *   401, lost_status, lost_marker, a sign-in      LOST, when the task has a session
 *   403, 204, {"error": ...} to a question        LOST too: the keeper finds out
 *   404, 410; other 4xx                           GONE; REFUSED
 *   5xx; 3xx; 2xx                                 TROUBLE; ELSEWHERE; OK
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "exec/http_step.h"
#include "model/shown.h"

enum { LOCATION_BYTES = 4096, HOST_SHOWN = 80, BODY_SHOWN = 160 };

/* --- for people ----------------------------------------------------------- */

static void add_host(struct stk_buf *buf, const struct stk_http_step *step)
{
    const char *host = step->url != NULL ? strstr(step->url, "://") : NULL;
    if (host == NULL) {
        stk_buf_adds(buf, "the authority");
        return;
    }
    host += 3;
    stk_shown_add(buf, host, strcspn(host, "/?#"), HOST_SHOWN);
}

/* The first line of the body that says something. */
static void add_body(struct stk_buf *buf, const struct stk_buf *body)
{
    const char *text = stk_buf_str(body);
    size_t blanks = strspn(text, " \t\r\n");
    if (blanks == body->len) return;
    stk_buf_adds(buf, ": ");
    stk_shown_add(buf, text + blanks, body->len - blanks, BODY_SHOWN);
}

char *stk_http_sentence(const struct stk_http_step *step)
{
    struct stk_buf buf = STK_BUF_INIT;
    if (step->rc != STK_OK) {
        stk_buf_adds(&buf, step->err.text);
    } else {
        add_host(&buf, step);
        stk_buf_addf(&buf, " answered %d", step->reply.status);
        add_body(&buf, &step->reply.body);
    }
    if (buf.len > 0) (void)stk_redact(buf.data, buf.len);
    return stk_buf_take(&buf);
}

/* --- the session ---------------------------------------------------------- */

static bool has_text(const struct stk_buf *body, const char *text)
{
    return text != NULL && body->len > 0 &&
           memmem(body->data, body->len, text, strlen(text)) != NULL;
}

static bool has_marker(const struct stk_buf *body, char *const *markers)
{
    for (; markers != NULL && *markers != NULL; markers++) {
        if (has_text(body, *markers)) return true;
    }
    return false;
}

/* By the words of its path: those of a query may be anything. */
bool stk_http_leads_to_login(const struct stk_http_reply *reply)
{
    static const char *const words[] = { "login",   "logon", "signin", "sign-in",
                                         "sign_in", "sso",   "oauth",  "authenticat" };
    char location[LOCATION_BYTES];
    if (reply->status < 300 || reply->status > 399) return false;
    if (stk_http_reply_header(reply, "location", 0, location, sizeof(location)) == NULL) {
        return false;
    }
    location[strcspn(location, "?#")] = '\0';
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcasestr(location, words[i]) != NULL) return true;
    }
    return false;
}

/* HTML with a field for a password, whatever its status says. */
static bool is_login_page(const struct stk_http_reply *reply)
{
    static const char *const fields[] = { "type=\"password\"", "type='password'", "type=password" };
    const char *body = stk_buf_str(&reply->body);
    if (body[strspn(body, " \t\r\n")] != '<') return false;
    for (size_t i = 0; i < STK_ARRAY_LEN(fields); i++) {
        if (strcasestr(body, fields[i]) != NULL) return true;
    }
    return false;
}

static bool is_lost_status(const struct stk_http_spec *spec, int status)
{
    for (size_t i = 0; i < spec->lost_status_count; i++) {
        if (spec->lost_status[i] == status) return true;
    }
    return status == 401;
}

/* {"error": "no session"} with 200. What ends a job may have such a member too,
 * and so may a result, among others. */
static bool is_complaint(const struct stk_http_step *step, enum stk_limit_class class_)
{
    const struct stk_http_spec *spec = step->spec;
    const struct stk_http_reply *reply = &step->reply;
    if (!json_is_string(json_object_get(step->answer, "error"))) return false;
    if (class_ != STK_LIMIT_CLASS_POLL) return json_object_size(step->answer) == 1;
    return !stk_http_condition_holds(&spec->completed, reply, step->answer) &&
           !stk_http_condition_holds(&spec->failed, reply, step->answer);
}

/* A question changes nothing, so a doubtful answer may cost the session a look.
 * To a submit these are final answers: it must not be sent in vain for ever. */
static bool is_doubtful(const struct stk_http_step *step, enum stk_limit_class class_)
{
    int status = step->reply.status;
    bool asks = strcmp(step->ask->method, "GET") == 0 && class_ != STK_LIMIT_CLASS_SUBMIT;
    return asks && (status == 403 || status == 204 || (status < 500 && is_complaint(step, class_)));
}

static bool is_lost(const struct stk_http_step *step, enum stk_limit_class class_)
{
    const struct stk_http_reply *reply = &step->reply;
    const struct stk_session_spec *session = step->job->task->session;
    if (session == NULL) return false;
    if (is_lost_status(step->spec, reply->status)) return true;
    if (has_marker(&reply->body, step->spec->lost_marker)) return true;
    if (has_text(&reply->body, session->lost_marker)) return true;
    if (stk_http_leads_to_login(reply) || is_login_page(reply)) return true;
    return is_doubtful(step, class_);
}

/* --- limits --------------------------------------------------------------- */

static enum stk_signal_kind throttle_of(const struct stk_http_step *step)
{
    const struct stk_http_reply *reply = &step->reply;
    bool is_refused = reply->status >= 400 && reply->status < 500;
    bool is_throttled =
        reply->status == 429 || (reply->status == 503 && step->hint.has_retry_after);
    if (is_refused && has_marker(&reply->body, step->spec->quota_marker)) return STK_SIGNAL_QUOTA;
    if (is_refused && has_marker(&reply->body, step->spec->slots_marker)) {
        return STK_SIGNAL_SLOTS_FULL;
    }
    return is_throttled ? STK_SIGNAL_THROTTLED : STK_SIGNAL_NONE;
}

static void set_signal(struct stk_http_step *step, enum stk_limit_class class_,
                       enum stk_signal_kind kind)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    struct stk_signal *signal = &step->result->signal;
    *signal = (struct stk_signal){
        .kind = kind,
        .class_ = class_,
        .has_retry_after = step->hint.has_retry_after,
        .retry_after_ns = step->hint.retry_after_ns,
        .sent_at = step->reply.sent_at,
        .remaining = step->hint.remaining,
        .reset_ns = step->hint.reset_ns,
    };
    if (kind == STK_SIGNAL_OK) return;
    (void)snprintf(signal->reason, sizeof(signal->reason), "%.*s", (int)sizeof(signal->reason) - 1,
                   why);
}

/* --- the verdict ---------------------------------------------------------- */

static enum stk_http_said judge_failure(const struct stk_http_step *step)
{
    if (step->rc == STK_BUSY) return STK_HTTP_STOPPED;
    if (step->rc == STK_TOO_LARGE) return STK_HTTP_TOO_LARGE;
    return step->reply.sent ? STK_HTTP_NO_ANSWER : STK_HTTP_UNSENT;
}

static enum stk_http_said judge_status(int status)
{
    if (status == 404 || status == 410) return STK_HTTP_GONE;
    if (status >= 500) return STK_HTTP_TROUBLE;
    if (status >= 400) return STK_HTTP_REFUSED;
    return status >= 300 ? STK_HTTP_ELSEWHERE : STK_HTTP_OK;
}

/* An answer of any kind but these says that it went through. */
static enum stk_signal_kind signal_of(enum stk_http_said said)
{
    switch (said) {
    case STK_HTTP_LOST:
    case STK_HTTP_STOPPED:
    case STK_HTTP_TOO_LARGE: return STK_SIGNAL_NONE;
    case STK_HTTP_TROUBLE:
    case STK_HTTP_UNSENT:
    case STK_HTTP_NO_ANSWER: return STK_SIGNAL_ERROR;
    case STK_HTTP_THROTTLED: return STK_SIGNAL_THROTTLED;
    case STK_HTTP_OK:
    case STK_HTTP_REFUSED:
    case STK_HTTP_GONE:
    case STK_HTTP_ELSEWHERE: break;
    }
    return STK_SIGNAL_OK;
}

enum stk_http_said stk_http_judge(struct stk_http_step *step, enum stk_limit_class class_)
{
    enum stk_signal_kind throttle = STK_SIGNAL_NONE;
    enum stk_http_said said = STK_HTTP_OK;
    if (step->rc == STK_OK) throttle = throttle_of(step);
    if (step->rc != STK_OK) {
        said = judge_failure(step);
    } else if (throttle != STK_SIGNAL_NONE) {
        said = STK_HTTP_THROTTLED;
    } else {
        said = is_lost(step, class_) ? STK_HTTP_LOST : judge_status(step->reply.status);
    }
    if (step->rc == STK_INVALID) return said; /* says nothing of the authority */
    set_signal(step, class_, throttle != STK_SIGNAL_NONE ? throttle : signal_of(said));
    return said;
}
