/* SPDX-License-Identifier: MIT
 *
 * text - strict reading of numbers, UTF-8 and what is safe to show.
 *
 * Memory:  the caller's buffers; nothing is allocated but by add_escaped.
 * Threads: pure.
 * Errors:  parsers return false for anything but the whole text being right:
 *          no leading blanks, no trailing rest, no overflow.
 *
 * Assumes that LC_NUMERIC stays "C": the program sets no other part than
 * LC_CTYPE.
 */
#ifndef STK_BASE_TEXT_H
#define STK_BASE_TEXT_H

#include "base/buf.h"

bool stk_parse_i64(const char *text, int64_t *ret);
bool stk_parse_u32(const char *text, uint32_t *ret);
bool stk_parse_double(const char *text, double *ret); /* finite only; no hex, no "inf" */
bool stk_parse_bool(const char *text, bool *ret);     /* true, false */

/* The shortest of %.15g, %.16g, %.17g that reads back as the same double; a
 * whole number keeps ".0" so that it stays a float in JSON. */
void stk_double_text(double value, char ret_text[32]);

/* The bytes of the UTF-8 sequence that text begins with, 1 to 4; 0 when it is
 * broken, a NUL, or len is 0. */
size_t stk_utf8_step(const char *text, size_t len);

bool stk_utf8_is_valid(const char *text, size_t len); /* NUL bytes are not valid */

/* How much of the first len bytes to keep so that no UTF-8 sequence is cut in
 * two: len, or up to 3 less. */
size_t stk_utf8_cut(const char *text, size_t len);

/* The start of the longest tail of text that is at most len_max bytes and does
 * not begin inside a UTF-8 sequence. */
const char *stk_utf8_tail(const char *text, size_t len, size_t len_max);

/* Adds the bytes with control characters (escape sequences, CR, DEL, C1) and
 * broken UTF-8 written as \xNN, tabs kept: safe on a terminal and in a log.
 * Line feeds are control characters too: who shows lines splits first. */
void stk_text_add_escaped(struct stk_buf *buf, const char *text, size_t len);

/* A name people choose (task, queue, sweep, key): 1 to 128 bytes of letters,
 * digits, '_', '-', '.', ':', '/'; begins with a letter, digit or '_'. */
bool stk_name_is_valid(const char *text);

/* The name in names[] nearest to `wrong` by edit distance (at most 2, and less
 * than half of wrong), for "did you mean"; NULL when none is near. */
const char *stk_nearest(const char *wrong, const char *const *names, size_t count);

#endif
