/* SPDX-License-Identifier: MIT
 *
 * service - a pool under a service manager: says when it is ready and when it
 * stops, and, for a watchdog, that its desk lives.
 *
 * The desk turns at least every few seconds; while it waits for a database that
 * does not answer, within a minute. One that has not turned for longer is stuck,
 * and then nothing is said: the manager ends the pool and starts it anew.
 *
 * Memory:  start makes, stop frees; NULL is a no-op.
 * Threads: start and stop from one thread, before the pool is freed.
 * Errors:  STK_INTERNAL when there is no thread.
 */
#ifndef STK_CLI_SERVICE_H
#define STK_CLI_SERVICE_H

#include "pool/pool.h"

struct stk_service;

/* *ret NULL: nobody watches. */
STK_MUST_USE enum stk_rc stk_service_start(struct stk_pool *pool, struct stk_service **ret,
                                           struct stk_error *err);
void stk_service_stop(struct stk_service *service);
void stk_service_stopping(void); /* the pool takes no more jobs */

#endif
