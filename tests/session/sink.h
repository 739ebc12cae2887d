/* SPDX-License-Identifier: MIT
 *
 * sink - a receiver of webhooks on the loopback that keeps what it is sent.
 *
 * Memory:  start makes, stop ends.
 * Threads: one of its own; the others ask from the test's.
 */
#ifndef STK_TESTS_SESSION_SINK_H
#define STK_TESTS_SESSION_SINK_H

#include "base/buf.h"

struct sink;

struct sink *sink_start(void);
void sink_stop(struct sink *sink);
unsigned sink_port(const struct sink *sink);

/* What each request is answered with from now on; 0: never at all. */
void sink_answers(struct sink *sink, int status);
/* Blocks until so many requests have come; false: not within 20 s. */
bool sink_wait(struct sink *sink, size_t count);
size_t sink_count(struct sink *sink);
/* The last request as it came, head and body; free() ends it. */
char *sink_last(struct sink *sink);
/* How many requests had that text in them. */
size_t sink_with(struct sink *sink, const char *text);

#endif
