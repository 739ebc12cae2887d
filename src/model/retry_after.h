/* SPDX-License-Identifier: MIT
 *
 * retry_after - what the headers of an answer say about coming back later.
 *
 * Reads Retry-After (seconds, "5.0", dates, nonsense), RateLimit and
 * RateLimit-Policy (both draft forms), RateLimit-Remaining/-Reset and
 * X-RateLimit-* (reset as seconds or as a moment, told apart by size). Retry-After
 * wins. What cannot be read is as if it were not there (RFC 9110 10.2.3).
 *
 * Pure.
 */
#ifndef STK_MODEL_RETRY_AFTER_H
#define STK_MODEL_RETRY_AFTER_H

#include "base/defs.h"

enum { STK_RETRY_AFTER_MAX_S = 7 * 24 * 3600 }; /* more is cut to it */

struct stk_hint {
    bool has_retry_after;
    stk_time_ns retry_after_ns; /* >= 0 */
    int64_t limit, remaining;   /* -1: not said */
    stk_time_ns reset_ns;       /* from now; -1: not said */
};

/* `headers`: "name: value\n" lines, names in lower case (base/http). The date
 * of the answer, when it has one, is what a Retry-After date is measured from:
 * the two clocks need not agree. */
void stk_hint_read(const char *headers, stk_time_ns now, struct stk_hint *ret);

/* One Retry-After value: seconds (also "5.0", "-1" is 0) or an HTTP date minus
 * `date`. False: neither. */
bool stk_retry_after_parse(const char *text, stk_time_ns date, stk_time_ns *ret);
/* "Sun, 06 Nov 1994 08:49:37 GMT" and the two obsolete forms of RFC 9110. */
bool stk_http_date_parse(const char *text, stk_time_ns *ret);

#endif
