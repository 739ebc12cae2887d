/* SPDX-License-Identifier: MIT
 *
 * readers - a few read-only stores, lent to whoever has a question.
 *
 * Bounded, so that a hundred questions at once wait instead of opening a
 * hundred connections.
 *
 * Memory:  open makes, close ends; every borrower must be gone.
 * Threads: any.
 */
#ifndef STK_POOL_READERS_H
#define STK_POOL_READERS_H

#include "store/access.h"

enum { STK_READERS_MAX = 4 };

struct stk_readers;

struct stk_readers *stk_readers_open(const char *url); /* stores are opened when first needed */
void stk_readers_close(struct stk_readers *readers);

STK_MUST_USE enum stk_rc stk_readers_read(struct stk_readers *readers, stk_read_fn fn, void *arg,
                                          struct stk_error *err);

#endif
