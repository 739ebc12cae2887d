/* SPDX-License-Identifier: MIT
 *
 * worker - one thread of execution: take a job, execute it, report, again.
 *
 * Memory:  start makes, join frees.
 * Threads: stop by any; the rest by the pool.
 */
#ifndef STK_POOL_WORKER_H
#define STK_POOL_WORKER_H

#include "pool/desk.h"
#include "session/vault.h"

struct stk_worker;

STK_MUST_USE enum stk_rc stk_worker_start(struct stk_desk *desk, struct stk_spawner *spawner,
                                          struct stk_consoles *consoles, struct stk_vault *vault,
                                          int64_t pool_id, uint32_t number, struct stk_worker **ret,
                                          struct stk_error *err);
void stk_worker_stop(struct stk_worker *worker, int64_t job_id, enum stk_stop how);
void stk_worker_join(struct stk_worker *worker); /* after its desk has ended it */

#endif
