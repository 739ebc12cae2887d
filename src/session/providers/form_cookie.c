/* SPDX-License-Identifier: MIT
 *
 * User and password are posted; the answer sets a cookie. A renewal is a sign-in
 * like any other, as no person is part of it.
 */
#include "session/authority.h"
#include "session/login_body.h"

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_authority_check(ask, ask->spec->check, ask->credential, answer);
}

/* A wrong password is refused with a status, with the sign-in page once more, or
 * with a redirect to it. */
static bool is_denied(const struct stk_session_spec *spec, const struct stk_reply *reply)
{
    int status = reply->http.status;
    bool is_refusal = status == 400 || status == 401 || status == 403 || status == 422;
    return is_refusal || stk_authority_is_login_again(spec, reply) ||
           (status < 400 && stk_authority_has_marker(spec, reply));
}

static void read_reply(const struct stk_ask *ask, const struct stk_reply *reply,
                       struct stk_answer *answer)
{
    char host[128];
    int status = reply->http.status;
    (void)stk_authority_host(ask, ask->spec->login, host, sizeof(host));
    if (stk_authority_put_off(ask, reply, answer)) return;
    if (is_denied(ask->spec, reply)) {
        stk_answer_say(answer, STK_SESSION_ON_DENIED, "%s does not take user and password (%d)",
                       host, status);
        return;
    }
    if (status >= 400) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "%s answered %d to the sign-in: see `login`",
                       host, status);
        return;
    }
    STK_CLEANUP(stk_json_freep) json_t *credential = stk_authority_jar(ask, reply, NULL);
    if (credential == NULL) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED,
                       "%s answered %d to the sign-in and set no cookie%s%s", host, status,
                       ask->spec->cookie != NULL ? " " : "",
                       ask->spec->cookie != NULL ? ask->spec->cookie : "");
        return;
    }
    stk_authority_grant(ask, credential, reply, answer);
}

/* Many servers give a cookie to anybody: only a check tells whose it is. One that
 * cannot be asked now is no reason to drop what was given. */
static void confirm(const struct stk_ask *ask, struct stk_answer *answer)
{
    if (ask->spec->check == NULL) return;
    struct stk_answer tried = { 0 };
    tried.credential = stk_secret_ref(answer->credential);
    if (stk_authority_confirm(ask, ask->spec->check, &tried) == STK_SESSION_ON_CHECK_LOST) {
        stk_answer_release(answer);
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "signed in, but `check`: %s", tried.reason);
    } else if (tried.news.expires_at > 0) {
        answer->news.expires_at = tried.news.expires_at;
    }
    stk_answer_release(&tried);
}

static void sign_in(const struct stk_ask *ask, struct stk_answer *answer)
{
    const struct stk_session_spec *spec = ask->spec;
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_buf_wipep) struct stk_buf body = STK_BUF_INIT;
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *password = stk_authority_secret(spec->password_file, answer);
    if (password == NULL) return;

    stk_login_body(spec, password, &body);
    const struct stk_call call = { .method = "POST",
                                   .ref = spec->login,
                                   .type = stk_login_type(spec),
                                   .body = body.data,
                                   .body_len = body.len };
    if (!stk_authority_call(ask, &call, &reply, NULL, answer)) return;
    read_reply(ask, &reply, answer);
    if (answer->event == STK_SESSION_ON_CREDENTIAL) confirm(ask, answer);
}

const struct stk_provider_ops stk_provider_form_cookie = {
    .check = check,
    .renew = sign_in,
    .begin = sign_in,
};
