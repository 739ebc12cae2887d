/* SPDX-License-Identifier: MIT */
#include "session/provider.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static const struct stk_provider_ops *const providers[] = {
    [STK_PROVIDER_OPERATOR] = &stk_provider_operator,
    [STK_PROVIDER_STATIC] = &stk_provider_static,
    [STK_PROVIDER_FILE] = &stk_provider_file,
    [STK_PROVIDER_COMMAND] = &stk_provider_command,
    [STK_PROVIDER_FORM_COOKIE] = &stk_provider_form_cookie,
    [STK_PROVIDER_CHALLENGE_COOKIE] = &stk_provider_challenge_cookie,
    [STK_PROVIDER_OAUTH_DEVICE] = &stk_provider_oauth_device,
    [STK_PROVIDER_OAUTH_CLIENT] = &stk_provider_oauth_client,
    [STK_PROVIDER_GATEWAY_TICKLE] = &stk_provider_gateway_tickle,
    [STK_PROVIDER_MANUAL] = &stk_provider_manual,
};
_Static_assert(STK_ARRAY_LEN(providers) == STK_PROVIDER_COUNT_, "one row per provider");

const struct stk_provider_ops *stk_provider_ops(enum stk_provider provider)
{
    return providers[provider];
}

/* --- answers -------------------------------------------------------------- */

void stk_answer_release(struct stk_answer *answer)
{
    stk_secret_free(answer->credential);
    stk_secret_free(answer->work);
    *answer = (struct stk_answer){ 0 };
}

void stk_answer_say(struct stk_answer *answer, enum stk_session_event event, const char *fmt, ...)
{
    answer->event = event;
    answer->news.reason = NULL;
    if (fmt == NULL) return;

    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(answer->reason, sizeof(answer->reason), fmt, args);
    va_end(args);
    answer->news.reason = answer->reason;
}

void stk_answer_link(struct stk_answer *answer, const char *link, const char *code)
{
    (void)snprintf(answer->link, sizeof(answer->link), "%s", link);
    (void)snprintf(answer->code, sizeof(answer->code), "%s", code != NULL ? code : "");
    answer->news.link = answer->link;
    answer->news.code = answer->code;
}

/* --- questions ------------------------------------------------------------ */

/* clang-format off */
static const struct {
    enum stk_session_act act;
    size_t at;
    enum stk_session_event otherwise; /* of a provider that has no such function */
    const char *reason;
} questions[] = {
#define AT(member) offsetof(struct stk_provider_ops, member)
    { STK_SESSION_ACT_CHECK,      AT(check),      STK_SESSION_ON_CHECK_OK,   NULL },
    { STK_SESSION_ACT_RENEW,      AT(renew),      STK_SESSION_ON_REFUSED,    "it cannot be renewed without a person" },
    { STK_SESSION_ACT_BEGIN,      AT(begin),      STK_SESSION_ON_REFUSED,    "only a person can sign in" },
    { STK_SESSION_ACT_POLL,       AT(poll),       STK_SESSION_ON_CHECK_LOST, NULL },
    { STK_SESSION_ACT_FINISH,     AT(finish),     STK_SESSION_ON_CHECK_LOST, NULL },
    { STK_SESSION_ACT_KEEP_ALIVE, AT(keep_alive), STK_SESSION_ON_CHECK_OK,   NULL },
#undef AT
};
/* clang-format on */

/* What cannot be checked is taken to be good, until a job was refused with it:
 * then its word is all there is. Stoker's own sign-in nobody else can refuse. */
void stk_provider_cannot_check(const struct stk_ask *ask, struct stk_answer *answer)
{
    bool is_ours = ask->spec->provider == STK_PROVIDER_OPERATOR;
    if (is_ours || ask->session->state != STK_SESSION_SUSPECT) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
        return;
    }
    stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "%s",
                   ask->session->reason[0] != '\0' ? ask->session->reason
                                                   : "a job was refused with it");
}

void stk_provider_ask(enum stk_session_act act, const struct stk_ask *ask,
                      struct stk_answer *answer)
{
    const struct stk_provider_ops *ops = stk_provider_ops(ask->spec->provider);
    *answer = (struct stk_answer){ 0 };
    for (size_t i = 0; i < STK_ARRAY_LEN(questions); i++) {
        if (questions[i].act != act) continue;
        stk_provider_fn *fn = *(stk_provider_fn *const *)((const char *)ops + questions[i].at);
        stk_answer_say(answer, questions[i].otherwise, questions[i].reason != NULL ? "%s" : NULL,
                       questions[i].reason);
        if (fn != NULL) {
            fn(ask, answer);
        } else if (act == STK_SESSION_ACT_CHECK) {
            stk_provider_cannot_check(ask, answer);
        }
        return;
    }
}
