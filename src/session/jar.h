/* SPDX-License-Identifier: MIT
 *
 * jar - the cookies of an answer, as the "cookies" of a credential.
 *
 * Private to session/. A JSON object {"NAME": "value"}: of one name there is one
 * cookie, the last that was set. Path and Domain play no part, as servers have
 * been seen to set the same cookie under another Path at each sign-in, and who
 * keeps both sends the dead one first.
 *
 * Memory:  the jar is the caller's json_t.
 * Threads: pure.
 */
#ifndef STK_SESSION_JAR_H
#define STK_SESSION_JAR_H

#include "base/http.h"
#include "base/json.h"

/* Adds, replaces and deletes as the Set-Cookie headers say. What is no cookie, or
 * cannot stand in a header line, is left out. `server_now`: by the clock of who
 * says when a cookie ends (session/expiry.h). */
void stk_jar_take(json_t *jar, const struct stk_http_reply *reply, stk_time_ns server_now);

/* The end of the cookie by Max-Age or Expires, by our clock; STK_NEVER: it is not
 * set there, or has none. */
stk_time_ns stk_jar_expiry(const struct stk_http_reply *reply, const char *name, stk_time_ns now,
                           stk_time_ns server_now);

#endif
