/* SPDX-License-Identifier: MIT
 *
 * target - a server on the loopback that answers as its paths say.
 *
 * One thread, one connection at a time: who opens a second one closes the first.
 * Paths: what the table in target.c knows; a redirect goes to what "?" says.
 *
 * Memory:  start makes, stop ends.
 */
#ifndef STK_TESTS_TARGET_H
#define STK_TESTS_TARGET_H

#include "base/buf.h"

struct target;

struct target *target_start(void);
void target_stop(struct target *target);

unsigned target_port(const struct target *target);
/* Until so many requests have been read. */
void target_wait_asked(struct target *target, unsigned count);
unsigned target_asked(struct target *target);
unsigned target_connections(struct target *target);
/* The last request as it came, head and body. free() ends it. */
char *target_last(struct target *target);

#endif
