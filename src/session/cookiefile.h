/* SPDX-License-Identifier: MIT
 *
 * cookiefile - cookies that a browser, or a tool beside one, has written down.
 *
 * Netscape's cookies.txt (seven columns with tabs), a JSON array of objects with
 * name, value, domain and expirationDate or expires, or an object whose "cookies"
 * is such an array, or a map from names to values.
 *
 * Memory:  *ret is a new reference to {NAME: VALUE}.
 * Threads: pure.
 * Errors:  STK_BUSY: it ends in the middle, or is empty. STK_BAD_DATA: none of
 *          the forms, or the cookie wanted is not in it. Never with a value.
 */
#ifndef STK_SESSION_COOKIEFILE_H
#define STK_SESSION_COOKIEFILE_H

#include "base/json.h"

struct stk_cookie_wish {
    const char *name; /* NULL: all */
    const char *url;  /* those that go to its host; NULL: to any */
};

/* *ret_expires_at: the end of the one that was named, or the last end of all;
 * STK_NEVER: there is one without an end. */
STK_MUST_USE enum stk_rc stk_cookiefile_read(const char *text, size_t len,
                                             const struct stk_cookie_wish *wish, json_t **ret,
                                             stk_time_ns *ret_expires_at, struct stk_error *err);

#endif
