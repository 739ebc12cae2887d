/* SPDX-License-Identifier: MIT
 *
 * projection - how long the work that waits will take, and whether that is
 * longer than a session still lives.
 *
 * An estimate, and it says so ("about"): run times are means of the past, tasks
 * that share a limit are taken to have it for themselves one after the other.
 *
 * Pure: no store, no clock; `now` is passed in.
 */
#ifndef STK_MODEL_PROJECTION_H
#define STK_MODEL_PROJECTION_H

#include "base/buf.h"

/* The jobs of one task. */
struct stk_work {
    int64_t pending, running;
    stk_time_ns mean_ns;     /* of one run; 0: none has ended yet */
    uint32_t concurrency;    /* of its limits; 0: any */
    stk_time_ns interval_ns; /* from one start to the next; 0: none */
};

/* Until all of it is done, with so many workers for all together; 0: there is
 * none, STK_NEVER: nobody can say. */
stk_time_ns stk_projection(const struct stk_work *work, size_t count, uint32_t workers);

/* Adds "pending work needs about 5h 20m, the session ends in 3h 12m: renew before
 * 03:10 UTC", or that it is enough; nothing when there is nothing to say. */
void stk_projection_add(struct stk_buf *buf, stk_time_ns work_ns, stk_time_ns end, stk_time_ns now);

/* Adds "03:10 UTC", with the date in front when that is not within a day. */
void stk_moment_add(struct stk_buf *buf, stk_time_ns at, stk_time_ns now);

#endif
