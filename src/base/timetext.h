/* SPDX-License-Identifier: MIT
 *
 * timetext - times and durations as people write and read them.
 *
 * Memory:  the caller's buffers.
 * Threads: pure; the time zone of the machine plays no part (UTC only).
 */
#ifndef STK_BASE_TIMETEXT_H
#define STK_BASE_TIMETEXT_H

#include "base/defs.h"

enum { STK_TIME_TEXT = 32, STK_DURATION_TEXT = 24 };

/* RFC 3339, UTC, milliseconds: 2026-11-24T03:10:00.125Z */
void stk_time_text(stk_time_ns time, char ret_text[STK_TIME_TEXT]);

/* RFC 3339 with zone ("Z" or "+01:00"), seconds' fraction optional, 'T' or a
 * blank in the middle; years 1970 to 2261. */
STK_MUST_USE bool stk_time_parse(const char *text, stk_time_ns *ret);

/* "1h30m", "90s", "250ms", "2d", "1.5h": units d h m s ms us, largest first,
 * each once; a bare number is refused (of what?), except 0. Not negative. */
STK_MUST_USE bool stk_duration_parse(const char *text, stk_time_ns *ret);

/* At most two units, for people: "3h 12m", "45s", "1.25s", "850ms". */
void stk_duration_text(stk_time_ns duration, char ret_text[STK_DURATION_TEXT]);

#endif
