/* SPDX-License-Identifier: MIT
 *
 * A person pastes the credential: there is nothing to sign in with, only to ask
 * whether it is still taken.
 */
#include "session/authority.h"

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    stk_authority_check(ask, ask->spec->check, ask->credential, answer);
}

const struct stk_provider_ops stk_provider_manual = { .check = check };
