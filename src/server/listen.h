/* SPDX-License-Identifier: MIT
 *
 * listen - the Unix socket that a server listens on.
 *
 * Private to server/.
 */
#ifndef STK_SERVER_LISTEN_H
#define STK_SERVER_LISTEN_H

#include "base/err.h"

/* Replaces a stale socket file: the caller owns the store, so nobody else may
 * listen there. Mode 0600. */
STK_MUST_USE enum stk_rc stk_listen_open(const char *path, int *ret_fd, struct stk_error *err);

#endif
