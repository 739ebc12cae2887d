/* SPDX-License-Identifier: MIT
 *
 * remote - calls over HTTP to the pool that owns the store.
 *
 * Private to client/. The connection is kept from one call to the next.
 *
 * Memory:  open makes, close frees; NULL is a no-op.
 * Threads: one at a time.
 */
#ifndef STK_CLIENT_REMOTE_H
#define STK_CLIENT_REMOTE_H

#include "base/json.h"
#include "client/client.h"

struct stk_remote;

/* Connects. STK_UNAVAILABLE: nobody listens there. Of the options only the sign-in is used; it is
 * borrowed. */
STK_MUST_USE enum stk_rc stk_remote_open(const char *socket_path,
                                         const struct stk_client_options *options,
                                         struct stk_remote **ret, struct stk_error *err);
void stk_remote_close(struct stk_remote *remote);

/* *ret_unsent: the pool could not be reached at all, so that asking somebody
 * else cannot do the same thing twice. */
STK_MUST_USE enum stk_rc stk_remote_call(struct stk_remote *remote, const char *method,
                                         const char *path_query, const json_t *body, json_t **ret,
                                         bool *ret_unsent, struct stk_error *err);

#endif
