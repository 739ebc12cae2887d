/* SPDX-License-Identifier: MIT
 *
 * said - what a pool says of itself: to who asks it, and, on a shared store, with
 * each beat, so that who reads the row knows it, too.
 *
 * Private to src/pool.
 */
#ifndef STK_POOL_SAID_H
#define STK_POOL_SAID_H

#include "pool/round.h"

/* From any thread. is_idle: no worker has a job. */
void stk_said_view(struct stk_desk *desk, bool is_idle, struct stk_pool_view *ret);

/* On the desk's thread: the state as a row may hold it. */
enum stk_pool_state stk_said_state(const struct stk_desk *desk);
/* ret->reason lies in `reason`. */
/* What the store has to say to people. */
void stk_said_news(struct stk_desk *desk);
void stk_said_make(struct stk_desk *desk, char *reason, size_t size, struct stk_pool_said *ret);

#endif
