/* SPDX-License-Identifier: MIT
 *
 * responder - an authority of a few lines: answers each request with the next
 * answer of its script, on the loopback.
 *
 * An answer is what follows "HTTP/1.1 ": "201 Created\r\nLocation: /t/1\r\n\r\n{}";
 * its Content-Length is added. RESPONDER_HANG_UP closes instead, RESPONDER_HOLD
 * keeps the request until the client is gone. With an empty script: 599.
 *
 * Threads: any; one connection at a time.
 */
#ifndef STK_TESTS_RESPONDER_H
#define STK_TESTS_RESPONDER_H

#include "base/defs.h"

#define RESPONDER_HANG_UP "hang up"
#define RESPONDER_HOLD    "hold"

struct responder;

struct responder *responder_start(void);
void responder_stop(struct responder *responder);

unsigned responder_port(const struct responder *responder);
void responder_add(struct responder *responder, const char *answer); /* to the script */
unsigned responder_asked(struct responder *responder);
/* Until so many requests have been read. */
void responder_wait_asked(struct responder *responder, unsigned count);
/* The last request, head and body. free() ends it. */
char *responder_last(struct responder *responder);

#endif
