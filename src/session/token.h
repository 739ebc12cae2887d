/* SPDX-License-Identifier: MIT
 *
 * token - the token endpoint of OAuth 2 (RFC 6749), and its kin, for those that ask.
 *
 * Private to session/. With a client_secret_file the client signs in by basic
 * authentication (2.3.1), which every server has to know; without one it names
 * itself in the form.
 *
 * The access token and what comes with it is the credential, which jobs see. The
 * refresh token is not: it stays in `work`.
 *
 * Memory:  a form holds secrets: the caller's buffer, wiped.
 * Threads: the provider's.
 */
#ifndef STK_SESSION_TOKEN_H
#define STK_SESSION_TOKEN_H

#include "session/authority.h"

void stk_token_form_add(struct stk_buf *form, const char *name, const char *value);

/* POSTs the form to spec->token, with who we are. As stk_authority_call. */
STK_MUST_USE bool stk_token_ask(const struct stk_ask *ask, const struct stk_buf *form,
                                struct stk_reply *reply, struct stk_answer *answer);
/* The same to spec->device: a client with a secret shows it there, too (RFC 8628,
 * 3.1), and is named in the form all the same, as some servers look only there. */
STK_MUST_USE bool stk_token_ask_code(const struct stk_ask *ask, const struct stk_buf *form,
                                     struct stk_reply *reply, struct stk_answer *answer);

/* CREDENTIAL, of a 200 with an access token; else false, and *answer is as it was. */
STK_MUST_USE bool stk_token_grant(const struct stk_ask *ask, const struct stk_reply *reply,
                                  struct stk_answer *answer);

/* REFUSED, or with may_deny DENIED when it is the client that is not known:
 * "lab.example WHAT (400, invalid_grant)". */
void stk_token_refuse(const struct stk_ask *ask, const struct stk_reply *reply, const char *what,
                      bool may_deny, struct stk_answer *answer);

/* "invalid_grant"; "" when the reply names none, or none that may be shown. */
const char *stk_token_error(const struct stk_reply *reply);

#endif
