/* SPDX-License-Identifier: MIT */
#include "exec/http_verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "model/shown.h"

#define POLL_MIN_NS STK_SECOND
#define POLL_MAX_NS STK_MINUTE
enum { BODY_SHOWN_MAX = 160, LOGIN_PAGE_MAX = 256 * 1024 };

/* --- sentences ------------------------------------------------------------ */

static void write_why(struct stk_http_turn *turn, const struct stk_buf *text)
{
    size_t len = text->len < sizeof(turn->why) ? text->len : sizeof(turn->why) - 1;
    len = stk_utf8_cut(stk_buf_str(text), len);
    (void)snprintf(turn->why, sizeof(turn->why), "%.*s", (int)len, stk_buf_str(text));
    (void)stk_redact(turn->why, strlen(turn->why));
}

/* `429 from https://lab.example: {"detail":...}` */
static void say_answer(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    const char *url = stk_buf_str(&turn->reply->url);
    size_t scheme = strcspn(url, ":") + 3;
    size_t len = strlen(url) > scheme ? scheme + strcspn(url + scheme, "/?#") : strlen(url);
    stk_buf_addf(&text, "%d from %.*s", turn->reply->status, (int)len, url);
    if (turn->reply->body.len > 0) {
        stk_buf_adds(&text, ": ");
        stk_shown_add(&text, turn->reply->body.data, turn->reply->body.len, BODY_SHOWN_MAX);
    }
    write_why(turn, &text);
}

static void say_error(struct stk_http_turn *turn, const struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, err->text);
    write_why(turn, &text);
}

/* --- is the session lost? ------------------------------------------------- */

static bool body_has(const struct stk_http_turn *turn, const char *marker)
{
    const struct stk_buf *body = &turn->reply->body;
    return marker != NULL && body->len > 0 &&
           memmem(body->data, body->len, marker, strlen(marker)) != NULL;
}

/* A page in which to type a password, where data was asked for. */
static bool is_login_page(const struct stk_http_turn *turn)
{
    char type[64];
    const struct stk_buf *body = &turn->reply->body;
    if (turn->body != NULL || body->len == 0 || body->len > LOGIN_PAGE_MAX) return false;
    if (stk_http_reply_header(turn->reply, "content-type", 0, type, sizeof(type)) == NULL) {
        return false;
    }
    if (strncasecmp(type, "text/html", 9) != 0) return false;
    return strcasestr(body->data, "type=\"password\"") != NULL ||
           strcasestr(body->data, "type='password'") != NULL ||
           strcasestr(body->data, "type=password") != NULL;
}

bool stk_http_leads_to_login(const struct stk_http_turn *turn)
{
    static const char *const words[] = { "login", "logon", "signin", "sign-in", "auth", "sso" };
    char place[2048];
    if (turn->reply->status < 300 || turn->reply->status > 399) return false;
    if (stk_http_reply_header(turn->reply, "location", 0, place, sizeof(place)) == NULL) {
        return false;
    }
    place[strcspn(place, "?#")] = '\0';
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcasestr(place, words[i]) != NULL) return true;
    }
    return false;
}

/* Whether an empty answer is what somebody waits for. */
static bool is_awaited(const struct stk_http_turn *turn, int status)
{
    const struct stk_http_condition *const conditions[] = { &turn->spec->completed,
                                                            &turn->spec->running,
                                                            &turn->spec->failed };
    for (size_t i = 0; i < STK_ARRAY_LEN(conditions); i++) {
        for (size_t k = 0; k < conditions[i]->status_count; k++) {
            if (conditions[i]->statuses[k] == status) return true;
        }
    }
    return false;
}

/* {"error": "no session"} with 200. A poll that ends the job may have such a
 * member, and so may a result, among others. */
static bool is_complaint(const struct stk_http_turn *turn, enum stk_limit_class class_)
{
    const struct stk_http_answer answer = stk_http_answer_of(turn);
    if (answer.status != 200 || !json_is_string(json_object_get(turn->body, "error"))) return false;
    if (class_ == STK_LIMIT_CLASS_READ) return json_object_size(turn->body) == 1;
    return !stk_http_condition_holds(&turn->spec->completed, &answer) &&
           !stk_http_condition_holds(&turn->spec->failed, &answer);
}

/* How the ends of sessions look. What a submit is answered with must be beyond
 * doubt: a job that was accepted would be submitted again. */
static bool is_lost(const struct stk_http_turn *turn, enum stk_limit_class class_, bool is_question)
{
    const struct stk_http_answer answer = stk_http_answer_of(turn);
    if (stk_http_condition_holds(&turn->spec->lost, &answer)) return true;
    if (body_has(turn, turn->spec->lost_marker)) return true;
    if (turn->job->task->session_name == NULL) return false;
    if (answer.status == 401 || is_login_page(turn) || stk_http_leads_to_login(turn)) return true;
    if (!is_question) return false;
    if (is_complaint(turn, class_)) return true;
    bool is_redirect = answer.status >= 300 && answer.status <= 399;
    bool is_empty = answer.status == 204;
    return (is_redirect || is_empty) && !is_awaited(turn, answer.status);
}

/* --- is it a throttle? ---------------------------------------------------- */

static enum stk_signal_kind throttle_of(const struct stk_http_turn *turn)
{
    int status = turn->reply->status;
    if (status < 400) return STK_SIGNAL_NONE;
    if (body_has(turn, turn->spec->quota_marker)) return STK_SIGNAL_QUOTA;
    if (body_has(turn, turn->spec->slots_marker)) return STK_SIGNAL_SLOTS_FULL;
    bool comes_back = status == 503 && turn->hint.has_retry_after;
    return status == 429 || comes_back ? STK_SIGNAL_THROTTLED : STK_SIGNAL_NONE;
}

/* --- the verdict ---------------------------------------------------------- */

/* clang-format off */
static const struct {
    int from, to;
    enum stk_http_meaning meaning;
} statuses[] = {
    { 200, 299, STK_HTTP_FINE       },
    { 300, 399, STK_HTTP_REDIRECTED },
    { 404, 404, STK_HTTP_GONE       },
    { 410, 410, STK_HTTP_GONE       },
    { 400, 499, STK_HTTP_REFUSED    }, /* the first row that fits counts */
    { 500, 599, STK_HTTP_BROKEN     },
};

/* What an answer, or none, says of the limits. */
static const enum stk_signal_kind signals[] = {
    [STK_HTTP_STOPPED]    = STK_SIGNAL_NONE,
    [STK_HTTP_UNSENT]     = STK_SIGNAL_ERROR,
    [STK_HTTP_UNANSWERED] = STK_SIGNAL_ERROR,
    [STK_HTTP_TOO_LARGE]  = STK_SIGNAL_OK,
    [STK_HTTP_IMPOSSIBLE] = STK_SIGNAL_NONE,
    [STK_HTTP_LOST]       = STK_SIGNAL_NONE,
    [STK_HTTP_THROTTLED]  = STK_SIGNAL_THROTTLED,
    [STK_HTTP_FINE]       = STK_SIGNAL_OK,
    [STK_HTTP_REDIRECTED] = STK_SIGNAL_OK,
    [STK_HTTP_GONE]       = STK_SIGNAL_OK,
    [STK_HTTP_REFUSED]    = STK_SIGNAL_OK,
    [STK_HTTP_BROKEN]     = STK_SIGNAL_ERROR,
};
/* clang-format on */

static enum stk_http_meaning meaning_of_error(const struct stk_http_turn *turn, enum stk_rc rc)
{
    bool sent = turn->reply->sent;
    if (rc == STK_BUSY) return STK_HTTP_STOPPED;
    if (rc == STK_TOO_LARGE) return STK_HTTP_TOO_LARGE;
    if (rc == STK_UNAVAILABLE || rc == STK_TIMEOUT) {
        return sent ? STK_HTTP_UNANSWERED : STK_HTTP_UNSENT;
    }
    return sent ? STK_HTTP_UNANSWERED : STK_HTTP_IMPOSSIBLE;
}

static enum stk_http_meaning meaning_of_status(int status)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(statuses); i++) {
        if (status >= statuses[i].from && status <= statuses[i].to) return statuses[i].meaning;
    }
    return STK_HTTP_BROKEN;
}

static void write_signal(const struct stk_http_turn *turn, enum stk_signal_kind kind,
                         enum stk_limit_class class_)
{
    struct stk_signal *signal = &turn->result->signal;
    *signal = (struct stk_signal){
        .kind = kind,
        .class_ = class_,
        .has_retry_after = turn->hint.has_retry_after,
        .retry_after_ns = turn->hint.retry_after_ns,
        .sent_at = turn->reply->sent_at,
        .remaining = turn->hint.remaining,
        .reset_ns = turn->hint.reset_ns,
    };
    (void)snprintf(signal->reason, sizeof(signal->reason), "%.*s",
                   (int)stk_utf8_cut(turn->why, strnlen(turn->why, sizeof(signal->reason) - 1)),
                   turn->why);
}

static enum stk_signal_kind judge_answer(struct stk_http_turn *turn, enum stk_limit_class class_,
                                         bool is_question)
{
    enum stk_signal_kind throttle = throttle_of(turn);
    turn->meaning = meaning_of_status(turn->reply->status);
    if (is_lost(turn, class_, is_question)) {
        turn->meaning = STK_HTTP_LOST;
    } else if (throttle != STK_SIGNAL_NONE) {
        turn->meaning = STK_HTTP_THROTTLED;
        return throttle;
    }
    return signals[turn->meaning];
}

void stk_http_judge(struct stk_http_turn *turn, enum stk_rc rc, const struct stk_error *err,
                    enum stk_limit_class class_, bool is_question)
{
    if (rc == STK_OK) {
        say_answer(turn);
        write_signal(turn, judge_answer(turn, class_, is_question), class_);
        return;
    }
    say_error(turn, err);
    turn->meaning = meaning_of_error(turn, rc);
    write_signal(turn, signals[turn->meaning], class_);
}

stk_time_ns stk_http_next_poll(const struct stk_http_turn *turn)
{
    stk_time_ns wait = turn->hint.retry_after_ns;
    if (!turn->hint.has_retry_after) return turn->now + turn->spec->every;
    if (wait < POLL_MIN_NS) wait = POLL_MIN_NS;
    return turn->now + (wait > POLL_MAX_NS ? POLL_MAX_NS : wait);
}
