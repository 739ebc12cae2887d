/* SPDX-License-Identifier: MIT
 *
 * A sign-in that sends a link which a person has to open.
 *
 *   POST login -> 201: signed in      -> 401 "challenge", Location: the link
 *   POST link  -> 2xx: it is passed   -> 403 and the like: not yet
 *
 * The link is never fetched here: a GET of it replaces the page that the person
 * has open. A new challenge kills the one before, and the completion is bound to
 * the cookies that came with the challenge: both are kept in `work`. Whether a
 * completion without a clear answer has landed, only a check can tell.
 */
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "session/authority.h"
#include "session/credential.h"
#include "session/jar.h"
#include "session/login_body.h"

static const char *check_ref(const struct stk_session_spec *spec)
{
    return spec->check != NULL ? spec->check : spec->login;
}

/* --- sign-in -------------------------------------------------------------- */

static bool is_challenge(const struct stk_reply *reply)
{
    char room[128];
    const char *said =
        stk_http_reply_header(&reply->http, "www-authenticate", 0, room, sizeof(room));
    return reply->http.status == 401 && said != NULL && strcasestr(said, "challenge") != NULL;
}

/* The absolute link; NULL: none that a person could open. free() ends it. */
static char *link_of(const struct stk_reply *reply)
{
    char room[STK_SESSION_LINK_MAX];
    char *link = NULL;
    const char *said = stk_http_reply_header(&reply->http, "location", 0, room, sizeof(room));
    if (said == NULL || strlen(said) + 1 == sizeof(room)) return NULL;
    if (stk_url_resolve(stk_buf_str(&reply->http.url), said, &link, NULL) != STK_OK) return NULL;
    if (strlen(link) >= STK_SESSION_LINK_MAX) stk_freep(&link);
    return link;
}

static void open_challenge(const struct stk_ask *ask, const struct stk_reply *reply,
                           struct stk_answer *answer)
{
    STK_CLEANUP(stk_freep) char *link = link_of(reply);
    if (link == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED,
                       "the authority wants a person, but its answer has no link (Location)");
        return;
    }
    json_t *jar = json_object();
    stk_jar_take(jar, &reply->http, reply->server_now);
    STK_CLEANUP(stk_json_freep)
    json_t *work = json_pack("{s:s, s:o}", "challenge", link, "cookies", jar);
    stk_authority_keep(ask, work, answer);
    stk_answer_say(answer, STK_SESSION_ON_CHALLENGE, "a person has to open a link");
    stk_answer_link(answer, link, NULL);
}

/* `before`: the cookies that were shown, or NULL. */
static void read_login(const struct stk_ask *ask, const struct stk_reply *reply,
                       const json_t *before, struct stk_answer *answer)
{
    char host[128];
    int status = reply->http.status;
    (void)stk_authority_host(ask, ask->spec->login, host, sizeof(host));
    if (stk_authority_put_off(ask, reply, answer)) return;
    if (status == 400 || status == 401 || status == 403 || status == 422) {
        stk_answer_say(answer, STK_SESSION_ON_DENIED, "%s does not take user and password (%d)",
                       host, status);
        return;
    }
    STK_CLEANUP(stk_json_freep) json_t *credential = NULL;
    if (status >= 200 && status <= 299) credential = stk_authority_jar(ask, reply, before);
    if (credential == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "%s answered %d to the sign-in%s", host,
                       status, status < 300 ? " and set no cookie of a session" : ": see `login`");
        return;
    }
    stk_authority_grant(ask, credential, reply, answer);
    stk_authority_keep(ask, NULL, answer);
}

static bool post_login(const struct stk_ask *ask, const struct stk_secret *shown,
                       struct stk_reply *reply, struct stk_answer *answer)
{
    const struct stk_session_spec *spec = ask->spec;
    STK_CLEANUP(stk_buf_wipep) struct stk_buf body = STK_BUF_INIT;
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *password = stk_authority_secret(spec->password_file, answer);
    if (password == NULL) return false;

    bool has_body = spec->login_body != NULL;
    if (has_body) stk_login_body(spec, password, &body);
    const struct stk_call call = { .method = "POST",
                                   .ref = spec->login,
                                   .type = has_body ? stk_login_type(spec) : NULL,
                                   .body = body.data,
                                   .body_len = body.len,
                                   .shown = shown,
                                   .user = spec->user,
                                   .password = password };
    return stk_authority_call(ask, &call, reply, NULL, answer);
}

/* With a clean jar: who shows an old cookie gets a dead challenge. */
static void begin(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    if (!post_login(ask, NULL, &reply, answer)) return;
    if (is_challenge(&reply)) {
        open_challenge(ask, &reply, answer);
    } else {
        read_login(ask, &reply, NULL, answer);
    }
}

/* A sign-in with a dead cookie may make a challenge that nobody asked for, and
 * each one counts towards a lock-out; a check costs nothing. */
static bool is_alive(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_authority_check(ask, check_ref(ask->spec), ask->credential, answer);
    if (answer->event == STK_SESSION_ON_CHECK_OK) {
        stk_answer_release(answer);
        return true;
    }
    if (answer->event == STK_SESSION_ON_CHECK_LOST) {
        stk_answer_release(answer);
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "it is over, and only a person renews it");
    }
    return false;
}

/* While it is alive, it may be renewed without a person, by showing it. A challenge
 * that comes instead is of no use: made with a cookie, its page is dead. */
static void renew(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_secret_freep) struct stk_secret *shown = NULL;
    STK_CLEANUP(stk_json_freep) json_t *old = NULL;
    if (ask->credential != NULL) old = stk_credential_object(ask->credential);
    const json_t *cookies = json_object_get(old, "cookies");
    if (cookies == NULL ||
        stk_credential_headers(ask->spec, ask->credential, &shown, NULL) != STK_OK) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "there is no live session to renew");
        return;
    }
    if (!is_alive(ask, answer) || !post_login(ask, shown, &reply, answer)) return;
    if (is_challenge(&reply)) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "the authority wants a person");
    } else {
        read_login(ask, &reply, cookies, answer);
    }
}

/* --- the challenge -------------------------------------------------------- */

/* Cookies whatever spec->header says: they are what the challenge is bound to. */
static struct stk_secret *show_cookies(const struct stk_ask *ask, const json_t *cookies)
{
    struct stk_secret *shown = NULL;
    struct stk_session_spec plain = *ask->spec;
    if (json_object_size(cookies) == 0) return NULL;
    STK_CLEANUP(stk_json_freep)
    json_t *object = json_pack("{s:O}", "cookies", (json_t *)(uintptr_t)cookies);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = stk_credential_from(object);
    plain.header = NULL;
    return stk_credential_headers(&plain, secret, &shown, NULL) == STK_OK ? shown : NULL;
}

/* Whether the cookies of the challenge are signed in by now: CREDENTIAL, or what
 * the check said. */
static void ask_check(const struct stk_ask *ask, const json_t *work, const struct stk_reply *reply,
                      struct stk_answer *answer)
{
    STK_CLEANUP(stk_json_freep)
    json_t *credential = stk_authority_jar(ask, reply, json_object_get(work, "cookies"));
    if (credential == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "it has set no cookie of a session yet");
        return;
    }
    stk_authority_grant(ask, credential, reply, answer);
    if (stk_authority_confirm(ask, check_ref(ask->spec), answer) == STK_SESSION_ON_CHECK_OK) {
        stk_authority_keep(ask, NULL, answer);
    }
}

static void read_finish(const struct stk_ask *ask, const json_t *work,
                        const struct stk_reply *reply, struct stk_answer *answer)
{
    int status = reply->http.status;
    bool is_passed = status >= 200 && status <= 299;
    bool may_be_over = status == 400 || status == 404 || status == 410;
    if (stk_authority_put_off(ask, reply, answer)) return;
    if (!is_passed && !may_be_over) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, NULL); /* not yet */
        return;
    }
    ask_check(ask, work, reply, answer);
    if (may_be_over && answer->event == STK_SESSION_ON_CHECK_LOST) {
        stk_answer_say(answer, STK_SESSION_ON_CHALLENGE_OVER, "the link is over (%d)", status);
    }
}

/* It is sent only where the password went too. */
static void finish(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *work = stk_authority_work(ask);
    const char *link = json_string_value(json_object_get(work, "challenge"));
    if (link == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_CHALLENGE_OVER, "nothing is kept of the link");
        return;
    }
    reply.server_now = ask->now;
    if (!stk_authority_is_own(ask->spec, link)) {
        ask_check(ask, work, &reply, answer);
        return;
    }
    enum stk_rc rc = STK_OK;
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *shown = show_cookies(ask, json_object_get(work, "cookies"));
    const struct stk_call call = { .method = "POST", .ref = link, .shown = shown };
    if (stk_authority_call(ask, &call, &reply, &rc, answer)) {
        read_finish(ask, work, &reply, answer);
    } else if (rc != STK_BUSY && reply.http.sent) {
        reply.server_now = ask->now;
        ask_check(ask, work, &reply, answer);
    }
}

/* --- check ---------------------------------------------------------------- */

/* After a completion without an answer it is the new cookies that are in doubt. */
static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply none = { .server_now = ask->now };
    STK_CLEANUP(stk_json_freep) json_t *work = stk_authority_work(ask);
    bool is_new = ask->session != NULL && ask->session->state == STK_SESSION_FINALIZING;
    if (is_new && json_object_get(work, "cookies") != NULL) {
        ask_check(ask, work, &none, answer);
    } else {
        stk_authority_check(ask, check_ref(ask->spec), ask->credential, answer);
    }
}

const struct stk_provider_ops stk_provider_challenge_cookie = {
    .check = check,
    .renew = renew,
    .begin = begin,
    .poll = finish,
    .finish = finish,
};
