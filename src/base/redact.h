/* SPDX-License-Identifier: MIT
 *
 * redact - takes known secrets out of texts, by value.
 *
 * Every secret that a process holds is made known here; everything that goes to
 * a console, a log, an event, an error or a stored tail passes stk_redact
 * first. Looked for are the bytes themselves, their percent-encoded form and
 * their base64 form, at each place where it can begin in a longer text. Values
 * shorter than STK_REDACT_BYTES_MIN are not looked for: they would hide half the
 * words of a text. Confession: a value of several lines (a PEM key) is found
 * whole only, not in a text that comes line by line.
 *
 * Memory:  the table is the process's; at most STK_REDACT_VALUES_MAX values, of
 *          which the oldest makes room.
 * Threads: any; stk_redact costs one atomic load while no secret is known.
 */
#ifndef STK_BASE_REDACT_H
#define STK_BASE_REDACT_H

#include "base/secret.h"

enum { STK_REDACT_BYTES_MIN = 6, STK_REDACT_VALUES_MAX = 256 };

void stk_redact_add(const char *bytes, size_t len);
void stk_redact_add_secret(const struct stk_secret *secret);

/* Each occurrence becomes as many '*': the length stays. True: there was one. */
bool stk_redact(char *text, size_t len);

#endif
