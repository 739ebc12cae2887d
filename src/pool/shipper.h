/* SPDX-License-Identifier: MIT
 *
 * shipper - shows the consoles of this pool to other machines, through the store
 * that they share, while somebody there watches.
 *
 * Looks for watches now and then, and when it is told that there is one. A new
 * one gets the old lines that it wants, once; then new lines follow, some at a
 * time. A line goes through the store as its console has it: secrets have been
 * taken out before. What cannot be written is not tried for long: the console's
 * file has it.
 *
 * Memory:  start makes, stop frees; NULL is a no-op.
 * Threads: poke from any.
 */
#ifndef STK_POOL_SHIPPER_H
#define STK_POOL_SHIPPER_H

#include "pool/console.h"
#include "store/access.h"
#include "store/hints.h"

struct stk_shipper;

struct stk_shipper_options {
    struct stk_access access;
    struct stk_consoles *consoles;
    struct stk_listener *listener;
    int64_t (*pool_id)(void *context); /* it may change */
    void *context;
};
STK_MUST_USE enum stk_rc stk_shipper_start(const struct stk_shipper_options *options,
                                           struct stk_shipper **ret, struct stk_error *err);
void stk_shipper_stop(struct stk_shipper *shipper);
void stk_shipper_poke(struct stk_shipper *shipper);

#endif
