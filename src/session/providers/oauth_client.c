/* SPDX-License-Identifier: MIT
 *
 * Client credentials (RFC 6749, 4.4): no person, and a renewal is a sign-in.
 */
#include "session/token.h"

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_authority_check(ask, ask->spec->check, ask->credential, answer);
}

static void sign_in(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_reply_release) struct stk_reply reply = { 0 };
    STK_CLEANUP(stk_buf_wipep) struct stk_buf form = STK_BUF_INIT;
    stk_token_form_add(&form, "grant_type", "client_credentials");
    stk_token_form_add(&form, "scope", ask->spec->scope);
    stk_token_form_add(&form, "audience", ask->spec->audience);
    if (!stk_token_ask(ask, &form, &reply, answer)) return;
    if (stk_authority_put_off(ask, &reply, answer)) return;
    if (stk_token_grant(ask, &reply, answer)) return;
    stk_token_refuse(ask, &reply, "gave no token", true, answer);
}

const struct stk_provider_ops stk_provider_oauth_client = {
    .check = check,
    .renew = sign_in,
    .begin = sign_in,
};
