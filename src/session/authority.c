/* SPDX-License-Identifier: MIT */
#include "session/authority.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "model/lifecycle.h"
#include "model/retry_after.h"
#include "session/credential.h"
#include "session/expiry.h"
#include "session/jar.h"

enum { HEADERS_MAX = 8, BODY_BYTES_MAX = 1024 * 1024, HOST_MAX = 128, COOKIE_SECRET_MIN = 12 };

/* --- one request ---------------------------------------------------------- */

void stk_reply_release(struct stk_reply *reply)
{
    json_decref(reply->body);
    stk_http_reply_release(&reply->http);
    *reply = (struct stk_reply){ 0 };
}

const char *stk_authority_host(const struct stk_ask *ask, const char *ref, char *room, size_t size)
{
    const char *url = ref != NULL && strstr(ref, "://") != NULL ? ref : ask->spec->url;
    const char *scheme = url == NULL ? NULL : strstr(url, "://");
    const char *host = scheme == NULL ? "the authority" : scheme + 3;
    size_t len = scheme == NULL ? strlen(host) : strcspn(host, "/?#");
    (void)snprintf(room, size, "%.*s", (int)len, host);
    return room;
}

/* A path is put behind `url`, which may have one itself ("https://x/v1/api"). */
char *stk_authority_url(const struct stk_session_spec *spec, const char *ref)
{
    if (*ref != '/' || spec->url == NULL) return stk_strdup(ref);
    size_t len = strlen(spec->url);
    while (len > 0 && spec->url[len - 1] == '/') {
        len--;
    }
    return stk_format("%.*s%s", (int)len, spec->url, ref);
}

bool stk_authority_is_own(const struct stk_session_spec *spec, const char *url)
{
    const char *host = spec->url != NULL ? strstr(spec->url, "://") : NULL;
    if (host == NULL) return false;
    size_t len = (size_t)(host - spec->url) + 3;
    len += strcspn(spec->url + len, "/?#");
    bool ends = strlen(url) >= len && strchr("/?#", url[len]) != NULL; /* or at its own NUL */
    return ends && strncasecmp(url, spec->url, len) == 0;
}

/* "Name: value\n" lines as headers; `lines` is cut up. */
static size_t split_lines(char *lines, struct stk_http_header *headers, size_t max)
{
    size_t count = 0;
    for (char *line = lines; *line != '\0' && count < max;) {
        char *end = line + strcspn(line, "\n");
        char *colon = memchr(line, ':', (size_t)(end - line));
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        if (colon != NULL) {
            *colon = '\0';
            headers[count].name = line;
            headers[count++].value = colon + 1 + strspn(colon + 1, " ");
        }
        line = next;
    }
    return count;
}

static enum stk_rc run(const struct stk_ask *ask, const struct stk_call *call,
                       struct stk_http_reply *reply, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf lines = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *url = stk_authority_url(ask->spec, call->ref);
    struct stk_http_header headers[HEADERS_MAX] = { { "Accept", "application/json, */*;q=0.5" } };
    size_t count = 1;
    if (call->type != NULL)
        headers[count++] = (struct stk_http_header){ "Content-Type", call->type };
    if (call->shown != NULL) {
        stk_buf_add(&lines, stk_secret_bytes(call->shown), stk_secret_len(call->shown));
        count += split_lines(lines.data, headers + count, HEADERS_MAX - count);
    }
    const struct stk_http_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .header_count = count,
        .body = call->body,
        .body_len = call->body_len,
        .user = call->user,
        .password = call->password,
        .timeout_ns = ask->spec->timeout_ns,
        .bytes_max = BODY_BYTES_MAX,
        .ca_file = ask->spec->ca_file,
    };
    return stk_http_run(ask->http, &request, reply, err);
}

bool stk_authority_call(const struct stk_ask *ask, const struct stk_call *call,
                        struct stk_reply *reply, enum stk_rc *ret_rc, struct stk_answer *answer)
{
    struct stk_error err = { 0 };
    stk_reply_release(reply);
    enum stk_rc rc = run(ask, call, &reply->http, &err);
    if (ret_rc != NULL) *ret_rc = rc;
    if (rc != STK_OK) {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", err.text);
        return false;
    }
    reply->server_now = stk_expiry_server_now(&reply->http, ask->now);
    const struct stk_buf *body = &reply->http.body;
    if (stk_json_parse(stk_buf_str(body), body->len, &reply->body, NULL) != STK_OK) {
        reply->body = NULL;
    }
    return true;
}

/* --- what a reply says ---------------------------------------------------- */

bool stk_authority_has_marker(const struct stk_session_spec *spec, const struct stk_reply *reply)
{
    const struct stk_buf *body = &reply->http.body;
    const char *marker = spec->lost_marker;
    return marker != NULL && body->len > 0 &&
           memmem(body->data, body->len, marker, strlen(marker)) != NULL;
}

static bool is_html(const struct stk_reply *reply)
{
    char type[64];
    const char *said = stk_http_reply_header(&reply->http, "content-type", 0, type, sizeof(type));
    return said != NULL && strncasecmp(said, "text/html", strlen("text/html")) == 0;
}

static bool asks_password(const struct stk_reply *reply)
{
    static const char *const fields[] = { "type=\"password\"", "type='password'", "type=password" };
    bool found = false;
    for (size_t i = 0; i < STK_ARRAY_LEN(fields); i++) {
        found = found || strcasestr(stk_buf_str(&reply->http.body), fields[i]) != NULL;
    }
    return found;
}

/* Where a redirect goes, without the query, which may name any other page. */
static const char *redirect_of(const struct stk_reply *reply, char *room, size_t size)
{
    if (reply->http.status < 300 || reply->http.status > 399) return NULL;
    if (stk_http_reply_header(&reply->http, "location", 0, room, size) == NULL) return NULL;
    room[strcspn(room, "?#")] = '\0';
    return room;
}

/* A check that is sent away: the words of a sign-in stand in the path. */
static bool leads_to_sign_in(const struct stk_session_spec *spec, const struct stk_reply *reply)
{
    static const char *const words[] = { "login",   "logon", "signin", "sign-in",
                                         "sign_in", "sso",   "oauth",  "authenticat" };
    char room[STK_SESSION_LINK_MAX];
    const char *location = redirect_of(reply, room, sizeof(room));
    if (location == NULL) return false;
    if (spec->login != NULL && strstr(location, spec->login) != NULL) return true;
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcasestr(location, words[i]) != NULL) return true;
    }
    return false;
}

static bool is_login_page(const struct stk_reply *reply)
{
    return reply->http.status == 200 && is_html(reply) && asks_password(reply);
}

/* By the whole path only: where a sign-in that went well leads to has a name of
 * its own, as "/oauth/welcome" or "/login/done". */
bool stk_authority_is_login_again(const struct stk_session_spec *spec,
                                  const struct stk_reply *reply)
{
    char room[STK_SESSION_LINK_MAX];
    const char *location = redirect_of(reply, room, sizeof(room));
    if (location == NULL) return is_login_page(reply);
    STK_CLEANUP(stk_freep) char *login = stk_authority_url(spec, spec->login);
    return strcmp(location, spec->login) == 0 || strcmp(location, login) == 0;
}

static bool is_true(const json_t *value)
{
    if (json_is_string(value)) return json_string_length(value) > 0;
    if (json_is_number(value)) return json_number_value(value) != 0;
    if (json_is_object(value)) return json_object_size(value) > 0;
    if (json_is_array(value)) return json_array_size(value) > 0;
    return json_is_true(value);
}

/* `200 {"error": "no session"}` is a 401 in disguise, unless stoker.yaml says by
 * which pointer to know. */
static bool is_not_ok(const struct stk_session_spec *spec, const struct stk_reply *reply)
{
    if (spec->ok_pointer != NULL) return !is_true(stk_expiry_at(reply->body, spec->ok_pointer));
    const json_t *error = json_object_get(reply->body, "error");
    return json_is_string(error) && json_string_length(error) > 0;
}

static bool has_retry_after(const struct stk_ask *ask, const struct stk_reply *reply,
                            struct stk_hint *ret)
{
    stk_hint_read(stk_buf_str(&reply->http.headers), ask != NULL ? ask->now : 0, ret);
    return ret->has_retry_after;
}

enum stk_verdict stk_authority_verdict(const struct stk_session_spec *spec,
                                       const struct stk_reply *reply)
{
    int status = reply->http.status;
    struct stk_hint hint;
    if (status == 429) return STK_VERDICT_LOCKED;
    if (status == 503 && has_retry_after(NULL, reply, &hint)) return STK_VERDICT_LOCKED;
    if (status == 401 || status == 403 || status == 204) return STK_VERDICT_LOST;
    if (stk_authority_has_marker(spec, reply)) return STK_VERDICT_LOST;
    if (status >= 500) return STK_VERDICT_SILENT;
    if (leads_to_sign_in(spec, reply) || is_login_page(reply)) return STK_VERDICT_LOST;
    if (status < 200 || status > 299) return STK_VERDICT_SILENT;
    return is_not_ok(spec, reply) ? STK_VERDICT_LOST : STK_VERDICT_OK;
}

/* --- answers -------------------------------------------------------------- */

static void say_locked(const struct stk_ask *ask, const struct stk_reply *reply,
                       struct stk_answer *answer)
{
    char host[HOST_MAX];
    struct stk_hint hint;
    bool is_said = has_retry_after(ask, reply, &hint);
    stk_answer_say(answer, STK_SESSION_ON_LOCKED, "%s answered %d",
                   stk_authority_host(ask, stk_buf_str(&reply->http.url), host, sizeof(host)),
                   reply->http.status);
    if (is_said) answer->news.until = ask->now + hint.retry_after_ns;
}

static void say_silent(const struct stk_ask *ask, const struct stk_reply *reply,
                       struct stk_answer *answer)
{
    char host[HOST_MAX];
    bool is_ours = reply->http.status < 500 && reply->http.status != 429;
    stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s answered %d%s",
                   stk_authority_host(ask, stk_buf_str(&reply->http.url), host, sizeof(host)),
                   reply->http.status,
                   is_ours ? ", which says nothing of a session: see `check`" : "");
}

bool stk_authority_put_off(const struct stk_ask *ask, const struct stk_reply *reply,
                           struct stk_answer *answer)
{
    struct stk_hint hint;
    int status = reply->http.status;
    if (status != 429 && status < 500) return false;
    if (status == 429 || (status == 503 && has_retry_after(ask, reply, &hint))) {
        say_locked(ask, reply, answer);
    } else {
        say_silent(ask, reply, answer);
    }
    return true;
}

/* --- credentials ---------------------------------------------------------- */

/* By value: whoever prints one, it is taken out. */
static void make_known(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_string(value)) stk_redact_add(json_string_value(value), json_string_length(value));
}

/* A short cookie is a word ("lang", "accepted") that would be missing in every
 * text; the session's own is a secret at any length. */
static void make_cookies_known(const struct stk_ask *ask, const json_t *cookies)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)cookies, name, value)
    {
        bool is_own = ask->spec->cookie != NULL && strcmp(ask->spec->cookie, name) == 0;
        if (is_own || json_string_length(value) >= COOKIE_SECRET_MIN) make_known(cookies, name);
    }
}

static void make_all_known(const struct stk_ask *ask, const json_t *object)
{
    static const char *const names[] = { "access_token", "id_token", "refresh_token",
                                         "device_code" };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        make_known(object, names[i]);
    }
    make_cookies_known(ask, json_object_get(object, "cookies"));
}

stk_time_ns stk_authority_expiry(const struct stk_ask *ask, const struct stk_reply *reply)
{
    const char *pointer = ask->spec->expiry_pointer;
    if (pointer == NULL || reply->body == NULL) return STK_NEVER;
    return stk_expiry_value(stk_expiry_at(reply->body, pointer), ask->now, reply->server_now);
}

static stk_time_ns expiry_of_token(const struct stk_ask *ask, const struct stk_reply *reply,
                                   const struct stk_secret *credential)
{
    return stk_expiry_here(stk_credential_jwt_expiry(credential), ask->now, reply->server_now);
}

void stk_authority_grant(const struct stk_ask *ask, const json_t *object,
                         const struct stk_reply *reply, struct stk_answer *answer)
{
    make_all_known(ask, object);
    stk_answer_say(answer, STK_SESSION_ON_CREDENTIAL, NULL);
    answer->credential = stk_credential_from(object);

    stk_time_ns expiry = stk_authority_expiry(ask, reply);
    if (expiry == STK_NEVER && ask->spec->cookie != NULL) {
        expiry = stk_jar_expiry(&reply->http, ask->spec->cookie, ask->now, reply->server_now);
    }
    if (expiry == STK_NEVER) expiry = expiry_of_token(ask, reply, answer->credential);
    answer->news.expires_at = expiry;
}

json_t *stk_authority_jar(const struct stk_ask *ask, const struct stk_reply *reply,
                          const json_t *before)
{
    const char *name = ask->spec->cookie;
    json_t *jar = json_object();
    if (before != NULL) (void)json_object_update(jar, (json_t *)(uintptr_t)before);
    stk_jar_take(jar, &reply->http, reply->server_now);
    bool is_it = name != NULL ? json_object_get(jar, name) != NULL : json_object_size(jar) > 0;
    if (is_it) return json_pack("{s:o}", "cookies", jar);
    json_decref(jar);
    return NULL;
}

void stk_authority_keep(const struct stk_ask *ask, const json_t *work, struct stk_answer *answer)
{
    make_all_known(ask, work);
    stk_secret_free(answer->work);
    answer->work = work != NULL ? stk_credential_from(work) : NULL;
    answer->sets_work = true;
}

json_t *stk_authority_work(const struct stk_ask *ask)
{
    json_t *work = ask->work != NULL ? stk_credential_object(ask->work) : NULL;
    return work != NULL ? work : json_object();
}

struct stk_secret *stk_authority_secret(const char *path, struct stk_answer *answer)
{
    struct stk_error err = { 0 };
    struct stk_secret *secret = NULL;
    if (stk_secret_read_file(path, &secret, &err) != STK_OK) {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", err.text);
        return NULL;
    }
    stk_redact_add_secret(secret);
    return secret;
}

/* --- check ---------------------------------------------------------------- */

/* Where nobody can be asked, the word of the job that was refused counts. */
static void answer_unasked(const struct stk_ask *ask, struct stk_answer *answer)
{
    bool is_doubted = ask->session != NULL && ask->session->state == STK_SESSION_SUSPECT;
    if (is_doubted) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST,
                       "a job was refused, and there is no `check` to ask");
    } else {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
    }
}

static void say_checked(const struct stk_ask *ask, const struct stk_reply *reply,
                        const struct stk_secret *credential, struct stk_answer *answer)
{
    stk_time_ns expiry = stk_authority_expiry(ask, reply);
    if (expiry == STK_NEVER) expiry = expiry_of_token(ask, reply, credential);
    stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
    answer->news.expires_at = expiry == STK_NEVER ? 0 : expiry;
}

/* A check that is throttled with no end said locks nothing: it is asked again. */
static void say_verdict(const struct stk_ask *ask, const struct stk_reply *reply,
                        const struct stk_secret *credential, struct stk_answer *answer)
{
    char host[HOST_MAX];
    struct stk_hint hint;
    switch (stk_authority_verdict(ask->spec, reply)) {
    case STK_VERDICT_OK: say_checked(ask, reply, credential, answer); return;
    case STK_VERDICT_LOST:
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "%s says that nobody is signed in (%d)",
                       stk_authority_host(ask, stk_buf_str(&reply->http.url), host, sizeof(host)),
                       reply->http.status);
        return;
    case STK_VERDICT_LOCKED:
        if (has_retry_after(ask, reply, &hint)) {
            say_locked(ask, reply, answer);
            return;
        }
        break;
    case STK_VERDICT_SILENT: break;
    }
    say_silent(ask, reply, answer);
}

void stk_authority_check(const struct stk_ask *ask, const char *ref,
                         const struct stk_secret *credential, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_secret_freep) struct stk_secret *shown = NULL;
    struct stk_error err = { 0 };
    if (credential == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "there is no credential");
        return;
    }
    if (ref == NULL) {
        answer_unasked(ask, answer);
        return;
    }
    if (stk_credential_headers(ask->spec, credential, &shown, &err) != STK_OK) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "%s", err.text);
        return;
    }
    const struct stk_call call = { .ref = ref, .shown = shown };
    if (!stk_authority_call(ask, &call, &reply, NULL, answer)) return;
    say_verdict(ask, &reply, credential, answer);
}

/* --- after a sign-in -------------------------------------------------------- */

enum stk_session_event stk_authority_confirm(const struct stk_ask *ask, const char *ref,
                                             struct stk_answer *answer)
{
    struct stk_answer checked = { 0 };
    stk_authority_check(ask, ref, answer->credential, &checked);
    enum stk_session_event event = checked.event;
    if (event == STK_SESSION_ON_CHECK_OK) {
        if (checked.news.expires_at > 0) answer->news.expires_at = checked.news.expires_at;
    } else {
        stk_answer_release(answer);
        stk_answer_say(answer, event, "%s", checked.reason);
        answer->news.until = checked.news.until;
    }
    stk_answer_release(&checked);
    return event;
}
