/* SPDX-License-Identifier: MIT */
#include "session/token.h"

#include <string.h>

#include "base/redact.h"
#include "model/lifecycle.h"
#include "session/expiry.h"

enum { ERROR_WORD_MAX = 64 };

#define FORM_TYPE "application/x-www-form-urlencoded"

void stk_token_form_add(struct stk_buf *form, const char *name, const char *value)
{
    if (value == NULL) return;
    size_t len = strlen(value);
    stk_buf_reserve(form, strlen(name) + 3 * len + 2);
    if (form->len > 0) stk_buf_addc(form, '&');
    stk_buf_adds(form, name);
    stk_buf_addc(form, '=');
    stk_url_add_escaped(form, value, len);
}

/* --- asking --------------------------------------------------------------- */

/* Both halves are escaped before they become user and password (2.3.1). */
static struct stk_secret *escape_secret(const struct stk_secret *secret)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_buf_reserve(&text, 3 * stk_secret_len(secret));
    stk_url_add_escaped(&text, stk_secret_bytes(secret), stk_secret_len(secret));
    return stk_secret_take(&text);
}

static bool ask_as_client(const struct stk_ask *ask, struct stk_call *call, struct stk_reply *reply,
                          struct stk_answer *answer)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf user = STK_BUF_INIT;
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *secret = stk_authority_secret(ask->spec->client_secret_file, answer);
    if (secret == NULL) return false;

    STK_CLEANUP(stk_secret_freep) struct stk_secret *escaped = escape_secret(secret);
    stk_redact_add_secret(escaped);
    stk_url_add_escaped(&user, ask->spec->client_id, strlen(ask->spec->client_id));
    call->user = stk_buf_str(&user);
    call->password = escaped;
    return stk_authority_call(ask, call, reply, NULL, answer);
}

static bool post(const struct stk_ask *ask, const char *ref, const struct stk_buf *form,
                 bool names_client, struct stk_reply *reply, struct stk_answer *answer)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf body = STK_BUF_INIT;
    stk_buf_reserve(&body, form->len + 3 * strlen(ask->spec->client_id) + 16);
    stk_buf_add(&body, form->data, form->len);
    if (names_client) stk_token_form_add(&body, "client_id", ask->spec->client_id);

    struct stk_call call = {
        .method = "POST", .ref = ref, .type = FORM_TYPE, .body = body.data, .body_len = body.len
    };
    bool is_secret = ask->spec->client_secret_file != NULL;
    if (is_secret) return ask_as_client(ask, &call, reply, answer);
    return stk_authority_call(ask, &call, reply, NULL, answer);
}

bool stk_token_ask(const struct stk_ask *ask, const struct stk_buf *form, struct stk_reply *reply,
                   struct stk_answer *answer)
{
    bool is_secret = ask->spec->client_secret_file != NULL;
    return post(ask, ask->spec->token, form, !is_secret, reply, answer);
}

bool stk_token_ask_code(const struct stk_ask *ask, const struct stk_buf *form,
                        struct stk_reply *reply, struct stk_answer *answer)
{
    return post(ask, ask->spec->device, form, true, reply, answer);
}

/* --- answers -------------------------------------------------------------- */

/* A word of the protocol, not a text that might hold anything. */
const char *stk_token_error(const struct stk_reply *reply)
{
    const char *word = json_string_value(json_object_get(reply->body, "error"));
    if (word == NULL || strlen(word) > ERROR_WORD_MAX) return "";
    bool is_word =
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
        strlen(word);
    return is_word ? word : "";
}

/* Texts of the answer, so that `header` may name any of them. */
static json_t *credential_of(const json_t *body)
{
    json_t *object = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        bool is_refresh = strcmp(name, "refresh_token") == 0;
        if (json_is_string(value) && !is_refresh) (void)json_object_set(object, name, value);
    }
    return object;
}

bool stk_token_grant(const struct stk_ask *ask, const struct stk_reply *reply,
                     struct stk_answer *answer)
{
    const json_t *token = json_object_get(reply->body, "access_token");
    bool is_granted = reply->http.status >= 200 && reply->http.status <= 299;
    if (!is_granted || !json_is_string(token) || json_string_length(token) == 0) return false;

    STK_CLEANUP(stk_json_freep) json_t *object = credential_of(reply->body);
    stk_authority_grant(ask, object, reply, answer);
    stk_time_ns ends =
        stk_expiry_value(json_object_get(reply->body, "expires_in"), ask->now, reply->server_now);
    bool is_said = ends != STK_NEVER && ends > ask->now;
    if (is_said && stk_authority_expiry(ask, reply) == STK_NEVER) answer->news.expires_at = ends;
    return true;
}

void stk_token_refuse(const struct stk_ask *ask, const struct stk_reply *reply, const char *what,
                      bool may_deny, struct stk_answer *answer)
{
    char host[128];
    int status = reply->http.status;
    const char *word = stk_token_error(reply);
    bool is_unknown = status == 401 || status == 403 || strcmp(word, "invalid_client") == 0 ||
                      strcmp(word, "unauthorized_client") == 0;
    stk_answer_say(answer, is_unknown && may_deny ? STK_SESSION_ON_DENIED : STK_SESSION_ON_REFUSED,
                   "%s %s (%d%s%s)", stk_authority_host(ask, ask->spec->token, host, sizeof(host)),
                   what, status, *word != '\0' ? ", " : "", word);
}
