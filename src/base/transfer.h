/* SPDX-License-Identifier: MIT
 *
 * transfer - what a request and a mail have in common: one libcurl transfer
 * with a deadline, that another thread can end.
 *
 * Private to base/. In this order: begin, STK_TRANSFER_SET, run, end.
 *
 * Threads: as base/http.h says.
 */
#ifndef STK_BASE_TRANSFER_H
#define STK_BASE_TRANSFER_H

#include <stdatomic.h>

#include "base/curl.h"
#include "base/http.h"

struct stk_http {
    const struct stk_curl *curl; /* written before multi */
    _Atomic(CURLM *) multi;      /* NULL until the first transfer */
    atomic_bool is_cancelled;
    atomic_int bell; /* eventfd, -1 until somebody wants it */
    CURL *easy;

    /* of the transfer under way */
    struct curl_slist *list; /* headers, or recipients; wiped at the end */
    stk_time_ns timeout, deadline;
    CURLcode set_up; /* the first option that was refused */
    char why[CURL_ERROR_SIZE];
};

/* Loads libcurl when it is the first; sets what all have in common. The
 * deadline stands from here on. */
STK_MUST_USE enum stk_rc stk_transfer_begin(struct stk_http *http, stk_time_ns timeout,
                                            struct stk_error *err);
/* For one more exchange before the same deadline. */
void stk_transfer_again(struct stk_http *http);

#define STK_TRANSFER_SET(http, option, value) \
    stk_transfer_note(http, (http)->curl->easy_setopt((http)->easy, option, value))
void stk_transfer_note(struct stk_http *http, CURLcode code);
void stk_transfer_list(struct stk_http *http, const char *line);

/* `what`: in front of the sentence of an error. */
STK_MUST_USE enum stk_rc stk_transfer_run(struct stk_http *http, const char *what,
                                          struct stk_error *err);
/* NULL, and a transfer that did not begin, are no-ops. */
void stk_transfer_end(struct stk_http *http);

#endif
