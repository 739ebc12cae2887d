/* SPDX-License-Identifier: MIT
 *
 * login_body - the body of a sign-in: spec->login_body with user and password.
 *
 * Private to session/. {user} and {password} are escaped for spec->login_type: in
 * a string of JSON, else as in a form. Other braces stand for themselves.
 *
 * Memory:  the body holds the password: the caller's buffer, wiped.
 * Threads: pure.
 */
#ifndef STK_SESSION_LOGIN_BODY_H
#define STK_SESSION_LOGIN_BODY_H

#include "base/secret.h"
#include "model/session_config.h"

void stk_login_body(const struct stk_session_spec *spec, const struct stk_secret *password,
                    struct stk_buf *ret);
const char *stk_login_type(const struct stk_session_spec *spec);

#endif
