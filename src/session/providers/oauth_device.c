/* SPDX-License-Identifier: MIT
 *
 * RFC 8628: a person types a code in a browser; then refresh tokens.
 *
 * `work` is {"device_code": of the open challenge, "refresh_token": of the last
 * grant}. A refresh token that rotates is spent by its use, so the new one is
 * written down with the credential, in one transaction. A refresh without an
 * answer is not sent again here: the model decides that (rotation_grace).
 */
#include <string.h>

#include "base/alloc.h"
#include "model/lifecycle.h"
#include "session/expiry.h"
#include "session/token.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define INTERVAL     (5 * STK_SECOND) /* when the server says none */
#define INTERVAL_MAX (10 * STK_MINUTE)
#define SLOW_DOWN    (5 * STK_SECOND)

/* --- credentials ---------------------------------------------------------- */

/* A server that does not rotate names no new refresh token: the old one goes on. */
static void keep_refresh(const struct stk_ask *ask, const struct stk_reply *reply,
                         const json_t *old, struct stk_answer *answer)
{
    json_t *token = json_object_get(reply->body, "refresh_token");
    if (!json_is_string(token)) token = json_object_get(old, "refresh_token");
    STK_CLEANUP(stk_json_freep) json_t *work = json_object();
    if (token != NULL) (void)json_object_set(work, "refresh_token", token);
    stk_authority_keep(ask, token != NULL ? work : NULL, answer);
}

static const char *kept(const json_t *work, const char *name)
{
    return json_string_value(json_object_get(work, name));
}

/* --- a new sign-in -------------------------------------------------------- */

static stk_time_ns interval_of(const json_t *body)
{
    const json_t *said = json_object_get(body, "interval");
    double seconds = json_is_number(said) ? json_number_value(said) : 0;
    if (!(seconds > 0)) return INTERVAL;
    if (seconds > (double)(INTERVAL_MAX / STK_SECOND)) return INTERVAL_MAX;
    stk_time_ns interval = (stk_time_ns)(seconds * 1e9);
    return interval > STK_SECOND ? interval : STK_SECOND;
}

/* The page, with the code in it where the server offers that. free() ends it. */
static char *link_of(const struct stk_reply *reply)
{
    static const char *const names[] = { "verification_uri_complete", "verification_uri",
                                         "verification_url" };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        char *link = NULL;
        const char *said = kept(reply->body, names[i]);
        if (said == NULL || strlen(said) >= STK_SESSION_LINK_MAX) continue;
        const char *base = stk_buf_str(&reply->http.url);
        if (stk_url_resolve(base, said, &link, NULL) != STK_OK) continue;
        if (strlen(link) < STK_SESSION_LINK_MAX) return link;
        stk_freep(&link);
    }
    return NULL;
}

static void open_challenge(const struct stk_ask *ask, const struct stk_reply *reply,
                           struct stk_answer *answer)
{
    STK_CLEANUP(stk_freep) char *link = link_of(reply);
    const char *code = kept(reply->body, "user_code");
    json_t *device_code = json_object_get(reply->body, "device_code");
    bool is_whole = link != NULL && code != NULL && strlen(code) < sizeof(answer->code) &&
                    json_is_string(device_code);
    if (reply->http.status != 200 || !is_whole) {
        stk_token_refuse(ask, reply, "gave no code to sign in with", true, answer);
        return;
    }
    STK_CLEANUP(stk_json_freep) json_t *work = stk_authority_work(ask);
    (void)json_object_set(work, "device_code", device_code);
    stk_authority_keep(ask, work, answer);

    stk_time_ns ends =
        stk_expiry_value(json_object_get(reply->body, "expires_in"), ask->now, reply->server_now);
    stk_answer_say(answer, STK_SESSION_ON_CHALLENGE, "a person has to type the code %s", code);
    stk_answer_link(answer, link, code);
    answer->news.until = ends != STK_NEVER && ends > ask->now ? ends : 0;
    answer->news.poll_every_ns = interval_of(reply->body);
}

static void begin(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_buf_wipep) struct stk_buf form = STK_BUF_INIT;
    stk_token_form_add(&form, "scope", ask->spec->scope);
    stk_token_form_add(&form, "audience", ask->spec->audience);
    if (!stk_token_ask_code(ask, &form, &reply, answer)) return;
    if (stk_authority_put_off(ask, &reply, answer)) return;
    open_challenge(ask, &reply, answer);
}

/* --- the code ------------------------------------------------------------- */

/* What the words of RFC 8628, 3.5 mean for a code that waits. */
/* clang-format off */
static const struct {
    const char *word;
    enum stk_session_event event;
    bool slower;
    const char *reason;
} words[] = {
    { "authorization_pending", STK_SESSION_ON_CHECK_LOST,     false, NULL },
    { "slow_down",             STK_SESSION_ON_CHECK_LOST,     true,  NULL },
    { "access_denied",         STK_SESSION_ON_CHALLENGE_OVER, false, "the person has said no" },
    { "expired_token",         STK_SESSION_ON_CHALLENGE_OVER, false, "the code is over" },
    { "invalid_grant",         STK_SESSION_ON_CHALLENGE_OVER, false, "the code is over" },
};
/* clang-format on */

static bool read_word(const struct stk_ask *ask, const struct stk_reply *reply,
                      struct stk_answer *answer)
{
    const char *word = stk_token_error(reply);
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) != 0) continue;
        stk_answer_say(answer, words[i].event, words[i].reason != NULL ? "%s" : NULL,
                       words[i].reason);
        stk_time_ns pace = ask->session->poll_every_ns;
        if (words[i].slower) answer->news.poll_every_ns = (pace > 0 ? pace : INTERVAL) + SLOW_DOWN;
        return true;
    }
    return false;
}

/* An answer to a poll that is none of the words: it will not get better. */
static void give_up(const struct stk_ask *ask, const struct stk_reply *reply,
                    struct stk_answer *answer)
{
    stk_token_refuse(ask, reply, "does not take the code", true, answer);
    if (answer->event == STK_SESSION_ON_REFUSED) answer->event = STK_SESSION_ON_CHALLENGE_OVER;
}

static void poll(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_buf_wipep) struct stk_buf form = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *work = stk_authority_work(ask);
    const char *code = kept(work, "device_code");
    if (code == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_CHALLENGE_OVER, "nothing is kept of the code");
        return;
    }
    stk_token_form_add(&form, "grant_type", DEVICE_GRANT);
    stk_token_form_add(&form, "device_code", code);
    if (!stk_token_ask(ask, &form, &reply, answer)) return;
    if (read_word(ask, &reply, answer)) return; /* also with a 429 */
    if (stk_authority_put_off(ask, &reply, answer)) return;
    if (stk_token_grant(ask, &reply, answer)) {
        keep_refresh(ask, &reply, NULL, answer);
    } else {
        give_up(ask, &reply, answer);
    }
}

/* --- refresh -------------------------------------------------------------- */

/* What is refused once is refused for good; an open code stays. */
static void forget_refresh(const struct stk_ask *ask, json_t *work, struct stk_answer *answer)
{
    (void)json_object_del(work, "refresh_token");
    stk_authority_keep(ask, json_object_size(work) > 0 ? work : NULL, answer);
}

static void renew(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_buf_wipep) struct stk_buf form = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *work = stk_authority_work(ask);
    const char *token = kept(work, "refresh_token");
    if (token == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "there is no refresh token");
        return;
    }
    stk_token_form_add(&form, "grant_type", "refresh_token");
    stk_token_form_add(&form, "refresh_token", token);
    stk_token_form_add(&form, "scope", ask->spec->scope);
    if (!stk_token_ask(ask, &form, &reply, answer)) return;
    if (stk_authority_put_off(ask, &reply, answer)) return;
    if (stk_token_grant(ask, &reply, answer)) {
        keep_refresh(ask, &reply, work, answer);
        return;
    }
    stk_token_refuse(ask, &reply, "does not take the refresh token", false, answer);
    if (strcmp(stk_token_error(&reply), "invalid_grant") == 0) forget_refresh(ask, work, answer);
}

/* In the middle of a completion there is no other question than the code itself. */
static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    bool is_new = ask->session != NULL && ask->session->state == STK_SESSION_FINALIZING;
    if (is_new) {
        poll(ask, answer);
    } else {
        stk_authority_check(ask, ask->spec->check, ask->credential, answer);
    }
}

const struct stk_provider_ops stk_provider_oauth_device = {
    .check = check,
    .renew = renew,
    .begin = begin,
    .poll = poll,
    .finish = poll,
};
