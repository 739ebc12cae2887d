/* SPDX-License-Identifier: MIT
 *
 * lines - lines of consoles as JSON rows: of the pool in this process, or, on a
 * shared store, those that pools ship while somebody watches.
 *
 * Private to api/.
 */
#ifndef STK_API_LINES_H
#define STK_API_LINES_H

#include "api/request.h"

/* A member "pool" when the line names one. A new reference. */
json_t *stk_show_line(const struct stk_line *line);

struct stk_lines_ask {
    int64_t pool_id; /* 0: of all pools */
    int worker;      /* -1: of all; 0: the pool itself */
    int64_t job_id;  /* 0: of all */
    int64_t after;   /* above this id; 0: the newest `limit` ones */
    size_t limit;
    stk_time_ns wait; /* with `after`: for the first of them */
};
/* Watches the consoles of other processes, and gives the rows and the id to go on
 * from. STK_UNAVAILABLE: no pool is there to be asked for its newest lines. */
STK_MUST_USE enum stk_rc stk_lines_shipped(const struct stk_call *call,
                                           const struct stk_lines_ask *ask, json_t **ret_rows,
                                           int64_t *ret_last, struct stk_error *err);

#endif
