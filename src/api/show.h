/* SPDX-License-Identifier: MIT
 *
 * show - rows of the store as the JSON that people and programs read.
 *
 * Private to api/. What is not there is null; texts that came from outside are
 * taken as they are, base/json makes them valid when it writes them.
 *
 * Memory:  each gives a new reference.
 * Threads: pure.
 */
#ifndef STK_API_SHOW_H
#define STK_API_SHOW_H

#include "base/json.h"
#include "store/store.h"

/* Gives `value` away to the object. */
void stk_put(json_t *object, const char *name, json_t *value);

json_t *stk_show_text(const char *text);                   /* NULL: null */
json_t *stk_show_time(stk_time_ns time);                   /* STK_NEVER: null */
json_t *stk_show_id(int64_t id);                           /* 0: null */
json_t *stk_show_json(const char *text);                   /* JSON text; NULL: null */
json_t *stk_show_pool(int64_t pool_id);                    /* "p1" */
json_t *stk_show_worker(int64_t pool_id, uint32_t worker); /* "p1/w3" */
json_t *stk_show_per_s(double per_s);                      /* two digits behind the point */
json_t *stk_show_seconds(stk_time_ns duration);            /* STK_NEVER: null */

/* Adds one member for each state. */
void stk_put_counts(json_t *object, const struct stk_counts *counts);

json_t *stk_show_job(const struct stk_job *job);

#endif
