/* SPDX-License-Identifier: MIT
 *
 * credential - what a session's secret looks like, and how a request shows it.
 *
 * A credential is bytes: either what somebody gave (a key, a pasted token, a
 * file's content), or a JSON object of a provider:
 *
 *   {"cookies": {"t": "abc", "path": "x"}}        of the cookie providers
 *   {"access_token": "abc", "token_type": ...}    of the oauth providers
 *
 * A command gets these bytes on the descriptor in STOKER_SESSION_FD. A request
 * of a job, or of a provider's check, carries them as header lines:
 *
 *   spec->header                   with {secret} and {NAME} filled in
 *   else cookies in it             "Cookie: t=abc; path=x"
 *   else spec->cookie              "Cookie: NAME={secret}"
 *   else access_token in it        "Authorization: Bearer {access_token}"
 *   else                           "Authorization: Bearer {secret}"
 *
 * Memory:  *ret is a new secret: the lines as "Name: value\n" each.
 * Threads: pure.
 * Errors:  STK_BAD_DATA: a member that spec->header names is not there, or a
 *          value cannot stand in a header line. Never with a value in the text.
 */
#ifndef STK_SESSION_CREDENTIAL_H
#define STK_SESSION_CREDENTIAL_H

#include "base/http.h"
#include "base/json.h"
#include "model/session_config.h"

STK_MUST_USE enum stk_rc stk_credential_headers(const struct stk_session_spec *spec,
                                                const struct stk_secret *credential,
                                                struct stk_secret **ret, struct stk_error *err);

/* The credential as the JSON object it is, a new reference; NULL: it is none. */
json_t *stk_credential_object(const struct stk_secret *credential);
/* A new secret with the object's text. Takes no reference. */
struct stk_secret *stk_credential_from(const json_t *object);

/* Makes every secret in it known to base/redact by itself: a cookie stands in the
 * credential between quotes, in a request without. What is no secret (the type of
 * a token, its scope) stays readable. */
void stk_credential_redact(const json_t *value);

/* `exp` of a JSON web token, read without checking it (it is a hint of an end,
 * not a proof of anything): the bytes are one, or a member or cookie of them
 * is. STK_NEVER: there is none. */
stk_time_ns stk_credential_jwt_expiry(const struct stk_secret *credential);

#endif
