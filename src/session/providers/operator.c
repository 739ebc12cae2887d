/* SPDX-License-Identifier: MIT
 *
 * The sign-in is a person's to stoker itself, which api/ has checked: there is no
 * authority outside that could be asked, and no secret to show.
 */
#include "session/provider.h"

const struct stk_provider_ops stk_provider_operator = { 0 };
