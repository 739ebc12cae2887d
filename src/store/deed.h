/* SPDX-License-Identifier: MIT
 *
 * deed - what a person does to many jobs, the same in every engine: which jobs
 * it is for, and what the rows and the log say of it.
 *
 * Memory:  a deed borrows; texts are the caller's.
 * Private to src/store.
 */
#ifndef STK_STORE_DEED_H
#define STK_STORE_DEED_H

#include "store/store.h"

/* Jobs a step may look at without changing them. */
enum { STK_DEED_LOOK_MAX = 10 * STK_STORE_CHUNK };

struct stk_deed {
    enum stk_action action; /* cancel or retry */
    const struct stk_job_range *range;
    const char *reason, *actor; /* or NULL */
    stk_time_ns now;
};

/* Whether it is for a job in that state; one of its range that it may not
 * change is counted as skipped. */
bool stk_deed_takes(const struct stk_deed *deed, enum stk_state state, struct stk_bulk *bulk);
/* The range holds no job at all: STK_NOT_FOUND. */
enum stk_rc stk_deed_fail_none(const struct stk_deed *deed, struct stk_error *err);
/* The error of the jobs that it cancels; free() ends it. */
char *stk_deed_make_error(const struct stk_deed *deed);
/* One event for the whole deed, in its last step. */
STK_MUST_USE enum stk_rc stk_deed_tell(struct stk_store *store, const struct stk_deed *deed,
                                       const struct stk_bulk *bulk, struct stk_error *err);

#endif
