/* SPDX-License-Identifier: MIT
 *
 * A local gateway kept alive, with a sign-in in its own page. It has two layers:
 * the sign-on outside, which a person makes, and a session inside, which can be
 * opened again as long as the outer one lives. Keeping the outer alive does not
 * keep the inner alive, so every sign of life is read for both.
 *
 * The gateway holds the cookies itself: there is no secret to keep here, unless
 * somebody has imported one.
 */
#include <string.h>

#include "base/alloc.h"
#include "model/lifecycle.h"
#include "session/authority.h"
#include "session/credential.h"
#include "session/expiry.h"

enum layers {
    LAYERS_UNKNOWN, /* no answer, or put off: *answer says it */
    LAYERS_NONE,    /* nobody is signed in */
    LAYERS_OUTER,   /* the session inside is closed */
    LAYERS_RIVAL,   /* somebody else has the session inside */
    LAYERS_BOTH,
};

/* --- asking --------------------------------------------------------------- */

static bool call(const struct stk_ask *ask, const char *method, const char *ref,
                 struct stk_reply *reply, struct stk_answer *answer)
{
    STK_CLEANUP(stk_secret_freep) struct stk_secret *shown = NULL;
    struct stk_error err = { 0 };
    if (ask->credential != NULL &&
        stk_credential_headers(ask->spec, ask->credential, &shown, &err) != STK_OK) {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", err.text);
        return false;
    }
    const struct stk_call request = { .method = method, .ref = ref, .shown = shown };
    return stk_authority_call(ask, &request, reply, NULL, answer);
}

/* `iserver.authStatus` of a tickle, or the answer of a status call itself. That
 * there is none means that nobody is signed in there. */
static const json_t *inner_of(const json_t *body)
{
    const json_t *inner = stk_expiry_at(body, "/iserver/authStatus");
    return inner != NULL ? inner : body;
}

static enum layers read_layers(const struct stk_ask *ask, const struct stk_reply *reply)
{
    const json_t *inner = inner_of(reply->body);
    if (json_is_true(json_object_get(inner, "competing"))) return LAYERS_RIVAL;
    if (ask->spec->ok_pointer != NULL) return LAYERS_BOTH; /* read by the verdict */
    return json_is_true(json_object_get(inner, "authenticated")) ? LAYERS_BOTH : LAYERS_OUTER;
}

static enum layers tickle(const struct stk_ask *ask, stk_time_ns *ret_expiry,
                          struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    const char *ref = ask->spec->check != NULL ? ask->spec->check : "/tickle";
    if (!call(ask, "POST", ref, &reply, answer)) return LAYERS_UNKNOWN;
    if (stk_authority_put_off(ask, &reply, answer)) return LAYERS_UNKNOWN;

    *ret_expiry = stk_authority_expiry(ask, &reply);
    switch (stk_authority_verdict(ask->spec, &reply)) {
    case STK_VERDICT_OK: return read_layers(ask, &reply);
    case STK_VERDICT_LOST: return LAYERS_NONE;
    case STK_VERDICT_LOCKED:
    case STK_VERDICT_SILENT: break;
    }
    stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER,
                   "the gateway answered %d, which says nothing of a session: see `check`",
                   reply.http.status);
    return LAYERS_UNKNOWN;
}

/* True: the gateway has done it, as far as it says. */
static bool push(const struct stk_ask *ask, const char *method, const char *ref)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    struct stk_answer unheard = { 0 };
    bool is_done = ref != NULL && call(ask, method, ref, &reply, &unheard) &&
                   stk_authority_verdict(ask->spec, &reply) != STK_VERDICT_LOST;
    stk_answer_release(&unheard);
    return is_done;
}

/* --- answers -------------------------------------------------------------- */

static void say_good(enum stk_session_event event, stk_time_ns expiry, struct stk_answer *answer)
{
    stk_answer_say(answer, event, NULL);
    bool is_check = event == STK_SESSION_ON_CHECK_OK;
    answer->news.expires_at = expiry == STK_NEVER && is_check ? 0 : expiry;
}

/* Who imported a credential keeps it: it is only the session behind it that is new. */
static void say_credential(const struct stk_ask *ask, stk_time_ns expiry, struct stk_answer *answer)
{
    say_good(STK_SESSION_ON_CREDENTIAL, expiry, answer);
    if (ask->credential != NULL) {
        answer->credential =
            stk_secret_new(stk_secret_bytes(ask->credential), stk_secret_len(ask->credential));
    }
}

static bool takes_over(const struct stk_session_spec *spec)
{
    return spec->competing != NULL && strcmp(spec->competing, "take") == 0;
}

/* --- a person ------------------------------------------------------------- */

static void begin(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_time_ns expiry = STK_NEVER;
    enum layers layers = tickle(ask, &expiry, answer);
    if (layers == LAYERS_UNKNOWN) return;
    if (layers == LAYERS_BOTH) {
        say_credential(ask, expiry, answer);
        return;
    }
    const char *page = ask->spec->login != NULL ? ask->spec->login : "/";
    STK_CLEANUP(stk_freep) char *link = stk_authority_url(ask->spec, page);
    stk_answer_say(answer, STK_SESSION_ON_CHALLENGE, "a person has to sign in to the gateway");
    stk_answer_link(answer, link, NULL);
}

/* Signed in outside, the inner session may want to be opened. A rival is waited
 * for: the person's own sign-in ends it. */
static void poll(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_time_ns expiry = STK_NEVER;
    enum layers layers = tickle(ask, &expiry, answer);
    if (layers == LAYERS_OUTER && push(ask, "POST", ask->spec->init)) {
        layers = tickle(ask, &expiry, answer);
    }
    if (layers == LAYERS_UNKNOWN) return;
    if (layers == LAYERS_BOTH) {
        say_credential(ask, expiry, answer);
    } else {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, NULL); /* not yet */
    }
}

/* --- without one ---------------------------------------------------------- */

/* The inner session is opened a moment after it was asked for: while a renewal is
 * under way a closed one is no answer yet. */
static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    enum stk_session_state state = ask->session != NULL ? ask->session->state : STK_SESSION_VALID;
    if (state == STK_SESSION_FINALIZING) {
        poll(ask, answer);
        return;
    }
    stk_time_ns expiry = STK_NEVER;
    switch (tickle(ask, &expiry, answer)) {
    case LAYERS_UNKNOWN: break;
    case LAYERS_BOTH: say_good(STK_SESSION_ON_CHECK_OK, expiry, answer); break;
    case LAYERS_NONE:
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "nobody is signed in to the gateway");
        break;
    case LAYERS_RIVAL:
        stk_answer_say(answer, STK_SESSION_ON_RIVAL, "another sign-in uses the account");
        break;
    case LAYERS_OUTER:
        stk_answer_say(answer,
                       state == STK_SESSION_RENEWING ? STK_SESSION_ON_NO_ANSWER
                                                     : STK_SESSION_ON_CHECK_LOST,
                       "signed in to the gateway, but its inner session is closed");
        break;
    }
}

static enum layers open_inner(const struct stk_ask *ask, stk_time_ns *expiry,
                              struct stk_answer *answer)
{
    bool is_asked = push(ask, "POST", ask->spec->init);
    is_asked = push(ask, "POST", ask->spec->reauth) || is_asked;
    return is_asked ? tickle(ask, expiry, answer) : LAYERS_OUTER;
}

/* Stuck after days: signed in, and the inner session never comes up. To leave it
 * and enter again has been seen to help; once, as each turn may cost the outer one. */
static enum layers shake(const struct stk_ask *ask, stk_time_ns *expiry, struct stk_answer *answer)
{
    if (!push(ask, "POST", ask->spec->logout)) return LAYERS_OUTER;
    return open_inner(ask, expiry, answer);
}

static void say_renewed(const struct stk_ask *ask, enum layers layers, stk_time_ns expiry,
                        struct stk_answer *answer)
{
    bool can_ask = ask->spec->init != NULL || ask->spec->reauth != NULL;
    switch (layers) {
    case LAYERS_UNKNOWN: break;
    case LAYERS_BOTH: say_credential(ask, expiry, answer); break;
    case LAYERS_NONE:
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "nobody is signed in to the gateway");
        break;
    case LAYERS_RIVAL:
        stk_answer_say(answer, STK_SESSION_ON_RIVAL, "another sign-in uses the account");
        break;
    case LAYERS_OUTER:
        stk_answer_say(answer, can_ask ? STK_SESSION_ON_NO_ANSWER : STK_SESSION_ON_REFUSED,
                       can_ask ? "the gateway's inner session does not open yet"
                               : "the inner session is closed, and there is no `init` or `reauth`");
        break;
    }
}

static void renew(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_time_ns expiry = STK_NEVER;
    enum layers layers = tickle(ask, &expiry, answer);
    bool is_ours = layers == LAYERS_OUTER || (layers == LAYERS_RIVAL && takes_over(ask->spec));
    if (is_ours && ask->spec->validate != NULL && !push(ask, "GET", ask->spec->validate)) {
        layers = LAYERS_NONE;
        is_ours = false;
    }
    if (is_ours) layers = open_inner(ask, &expiry, answer);
    if (is_ours && layers == LAYERS_OUTER) layers = shake(ask, &expiry, answer);
    say_renewed(ask, layers, expiry, answer);
}

const struct stk_provider_ops stk_provider_gateway_tickle = {
    .check = check,
    .renew = renew,
    .begin = begin,
    .poll = poll,
    .finish = poll,
    .keep_alive = check,
};
