/* SPDX-License-Identifier: MIT
 *
 * sweeps - a sweep's row with what can be computed from it.
 *
 * Private to api/.
 *
 * Memory:  release frees what a read made.
 * Errors:  STK_NOT_FOUND when there is no such sweep.
 */
#ifndef STK_API_SWEEPS_H
#define STK_API_SWEEPS_H

#include "api/request.h"

struct stk_sweep_facts {
    int64_t id;
    char *task;
    bool filled;
    int64_t points; /* jobs in it when filled */
    int64_t jobs;   /* jobs in it now */
    int64_t asked;  /* points of all its parts, those that were there already too */
    int64_t done;   /* of `points`: looked at so far */
    json_t *shown;  /* what GET /sweeps/ID answers */
};

/* id 0: the newest one. */
STK_MUST_USE enum stk_rc stk_sweep_facts_read(const struct stk_call *call, int64_t id,
                                              struct stk_sweep_facts *ret, struct stk_error *err);
void stk_sweep_facts_release(struct stk_sweep_facts *facts);

#endif
