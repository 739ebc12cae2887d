/* SPDX-License-Identifier: MIT
 *
 * curl - libcurl as a table of functions, loaded when first asked for.
 *
 * Private to base/. Not linked: libcurl brings some thirty libraries along,
 * which takes the dynamic loader about 15 ms, more than all else that a short
 * command does; and only who sends a request outside needs any of it.
 *
 * Memory:  the table is the process's, and stays.
 * Threads: any.
 * Errors:  STK_UNAVAILABLE: there is no libcurl, or one that is too old.
 */
#ifndef STK_BASE_CURL_H
#define STK_BASE_CURL_H

#include <curl/curl.h>

#include "base/err.h"

#define STK_CURL_MAP(X)    \
    X(easy_cleanup)        \
    X(easy_getinfo)        \
    X(easy_init)           \
    X(easy_nextheader)     \
    X(easy_reset)          \
    X(easy_setopt)         \
    X(easy_strerror)       \
    X(global_init)         \
    X(multi_add_handle)    \
    X(multi_cleanup)       \
    X(multi_info_read)     \
    X(multi_init)          \
    X(multi_perform)       \
    X(multi_poll)          \
    X(multi_remove_handle) \
    X(multi_setopt)        \
    X(multi_strerror)      \
    X(multi_wakeup)        \
    X(slist_append)        \
    X(slist_free_all)

struct stk_curl {
#define STK_CURL_FIELD(name) __typeof__(curl_##name) *name;
    STK_CURL_MAP(STK_CURL_FIELD)
#undef STK_CURL_FIELD
};

STK_MUST_USE enum stk_rc stk_curl_load(const struct stk_curl **ret, struct stk_error *err);

#endif
