/* SPDX-License-Identifier: MIT
 *
 * feeder - one thread that fills accepted sweeps with their jobs.
 *
 * The sweeps' rows in the store are its list of work: those that a crash left
 * half filled are found at start like new ones. On a shared store each pool has
 * a feeder: a sweep that another one is filling is left to it, and looked at
 * again.
 *
 * Memory:  start makes, stop ends it, in the middle of a sweep if need be (the
 *          next owner goes on).
 * Threads: all but start and stop from any thread.
 */
#ifndef STK_POOL_FEEDER_H
#define STK_POOL_FEEDER_H

#include "feed/sweep.h"
#include "pool/console.h"
#include "store/hints.h"

struct stk_feeder;

struct stk_feeder_options {
    struct stk_access access;
    const struct stk_settings *settings;
    struct stk_consoles *consoles;    /* or NULL */
    struct stk_listener *listener;    /* NULL: nobody else fills sweeps */
    void (*when_idle)(void *context); /* nothing is left to fill; on the feeder's thread */
    void *context;
};
STK_MUST_USE enum stk_rc stk_feeder_start(const struct stk_feeder_options *options,
                                          struct stk_feeder **ret, struct stk_error *err);
void stk_feeder_stop(struct stk_feeder *feeder);

void stk_feeder_poke(struct stk_feeder *feeder); /* a sweep was accepted */
void stk_feeder_hint(struct stk_feeder *feeder); /* perhaps there is one, elsewhere accepted */
bool stk_feeder_is_busy(struct stk_feeder *feeder);
bool stk_feeder_progress(struct stk_feeder *feeder, int64_t sweep_id, int64_t *ret_done,
                         int64_t *ret_points);
/* See stk_pool_feed_wait. */
STK_MUST_USE bool stk_feeder_wait(struct stk_feeder *feeder, int64_t sweep_id, stk_time_ns wait_ns,
                                  struct stk_error *err);

#endif
