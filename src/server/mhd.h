/* SPDX-License-Identifier: MIT
 *
 * mhd - libmicrohttpd as a table of functions, loaded when a server starts.
 *
 * Private to server/. Not linked: it brings gnutls and eight more libraries
 * along (TLS that we never speak), which every command would load at its start.
 *
 * Memory:  the table is the process's, and stays.
 * Threads: load from any; stk_mhd() once a load has succeeded.
 * Errors:  STK_UNAVAILABLE: there is no libmicrohttpd, or one that is too old.
 */
#ifndef STK_SERVER_MHD_H
#define STK_SERVER_MHD_H

#include <microhttpd.h>

#include "base/err.h"

#define STK_MHD_MAP(X)             \
    X(add_response_header)         \
    X(create_response_from_buffer) \
    X(destroy_response)            \
    X(get_connection_info)         \
    X(lookup_connection_value)     \
    X(queue_response)              \
    X(quiesce_daemon)              \
    X(start_daemon)                \
    X(stop_daemon)

struct stk_mhd {
#define STK_MHD_FIELD(name) __typeof__(MHD_##name) *name;
    STK_MHD_MAP(STK_MHD_FIELD)
#undef STK_MHD_FIELD
};

STK_MUST_USE enum stk_rc stk_mhd_load(struct stk_error *err);
const struct stk_mhd *stk_mhd(void);

#endif
