/* SPDX-License-Identifier: MIT
 *
 * responder - a server on the loopback that gives the answers of a script.
 *
 * One connection per request. Answers are used up in order; when none is left
 * it hangs up. An answer that begins with '!' is an order: "!hang" says nothing
 * until the client goes, "!close" hangs up after the request was read.
 *
 * Memory:  start makes, stop ends.
 */
#ifndef STK_TESTS_RESPONDER_H
#define STK_TESTS_RESPONDER_H

#include "base/buf.h"

struct responder;

struct responder *responder_start(void);
void responder_stop(struct responder *responder);
unsigned responder_port(const struct responder *responder);

/* "200|Retry-After: 5.0\nX: y|{\"a\":1}": status, headers, body. */
void responder_say(struct responder *responder, const char *answer);
unsigned responder_asked(struct responder *responder);
/* Until so many requests have been read; aborts after 20 s. */
void responder_await(struct responder *responder, unsigned asked);
/* The request with that number (0: the first), head and body. free() ends it. */
char *responder_request(struct responder *responder, unsigned number);

#endif
