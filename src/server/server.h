/* SPDX-License-Identifier: MIT
 *
 * server - the API over HTTP/1.1 on the Unix socket beside the store.
 *
 * Mode 0600: whoever may open the store may ask. libmicrohttpd, one thread a
 * connection, at most 128; bodies up to STK_BODY_BYTES_MAX; JSON only. The
 * actor is the peer's user name (SO_PEERCRED).
 *
 * Memory:  start makes, stop ends: no new requests, those under way are
 *          answered first.
 * Threads: start and stop from one thread.
 * Errors:  STK_UNAVAILABLE when the socket cannot be made. A stale socket file
 *          is replaced (the store's lock is held by us then).
 */
#ifndef STK_SERVER_SERVER_H
#define STK_SERVER_SERVER_H

#include "api/api.h"

struct stk_server;

STK_MUST_USE enum stk_rc stk_server_start(const struct stk_api *api, const char *socket_path,
                                          struct stk_server **ret, struct stk_error *err);
void stk_server_stop(struct stk_server *server);

#endif
