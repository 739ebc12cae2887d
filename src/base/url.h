/* SPDX-License-Identifier: MIT
 *
 * url - web addresses taken apart and put together, without libcurl.
 *
 * Private to base/; what others may use stands in base/http.h. Stricter than
 * RFC 3986 where two readers could see different hosts in one text: a host is
 * letters, digits, '-', '_' and '.', or an IPv6 address in brackets.
 *
 * Memory:  struct stk_url points into the text it was made from.
 * Threads: pure.
 */
#ifndef STK_BASE_URL_H
#define STK_BASE_URL_H

#include "base/err.h"

struct stk_span {
    const char *text; /* NULL: there is no such part */
    size_t len;
};

/* scheme ":" "//" authority path "?" query; a fragment is left off. */
struct stk_url {
    struct stk_span scheme, authority, path, query;
};

void stk_url_split(const char *text, struct stk_url *ret);
/* "host", "host:port", "[::1]:port"; no user name. */
bool stk_url_is_authority(struct stk_span authority);
/* Without regard to case. */
bool stk_span_is(struct stk_span span, const char *word);

#endif
