/* SPDX-License-Identifier: MIT
 *
 * expiry - until when an answer says that a session holds.
 *
 * Private to session/. What an authority says of a moment is said by its clock:
 * the Date of the answer tells how far it is from ours. Seconds left need none.
 *
 * Threads: pure.
 */
#ifndef STK_SESSION_EXPIRY_H
#define STK_SESSION_EXPIRY_H

#include "base/http.h"
#include "base/json.h"
#include "model/session_config.h"

/* The value at a JSON pointer (RFC 6901), borrowed; NULL: there is none. */
const json_t *stk_expiry_at(const json_t *body, const char *pointer);

/* Seconds left (14399.46), seconds or milliseconds since 1970, RFC 3339; each
 * may be a string. STK_NEVER: none of these. `server_now`: by its clock. */
stk_time_ns stk_expiry_value(const json_t *value, stk_time_ns now, stk_time_ns server_now);

/* The clock of the answer by its Date, when that is off by more than a Date and
 * its way can be; else `now`. */
stk_time_ns stk_expiry_server_now(const struct stk_http_reply *reply, stk_time_ns now);

/* A moment by the authority's clock as one by ours. STK_NEVER stays. */
stk_time_ns stk_expiry_here(stk_time_ns there, stk_time_ns now, stk_time_ns server_now);

#endif
