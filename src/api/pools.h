/* SPDX-License-Identifier: MIT
 *
 * pools - who works on the store, as far as the caller can see: the pool of this
 * process, or, on a shared store, all pools by their rows.
 *
 * Private to api/. A pool lives while its lease has not run out; one that is
 * lost is shown until another has given its jobs back.
 *
 * Memory:  a struct stk_pools is released by its reader.
 * Threads: one at a time.
 */
#ifndef STK_API_POOLS_H
#define STK_API_POOLS_H

#include "api/api.h"

struct stk_pool_seen {
    struct stk_pool_row row;
    char host[72], reason[400]; /* those of the row are the store's, and gone */
    uint32_t busy;
    enum stk_pool_state state;
    bool is_alive;
};
struct stk_running_seen {
    int64_t pool_id, job_id;
    uint32_t worker, attempt;
    stk_time_ns since;
    char *task;
};
struct stk_pools {
    uint32_t alive;
    uint32_t workers, busy;     /* of those that take jobs */
    double per_s;               /* of those alive */
    struct stk_pool_seen *rows; /* not stopped; the oldest first */
    size_t count;
    struct stk_running_seen *running; /* jobs in a worker's hands */
    size_t running_count;
};
#define STK_POOLS_INIT \
    {                  \
        0              \
    }
STK_MUST_USE enum stk_rc stk_pools_read(struct stk_store *store, stk_time_ns now,
                                        struct stk_pools *ret, struct stk_error *err);
void stk_pools_release(struct stk_pools *pools);
/* NULL: it has stopped, or never was. */
const struct stk_pool_seen *stk_pools_find(const struct stk_pools *pools, int64_t pool_id);
/* Some live, and none of them has the key to that session's secret. */
bool stk_pools_lack_key(const struct stk_pools *pools, const char *session);

/* Whether the pools must be looked up in the store to be known. */
bool stk_pools_are_rows(const struct stk_api *api);
/* Workers that are free now, in all pools. */
STK_MUST_USE enum stk_rc stk_pools_idle(const struct stk_api *api, struct stk_store *store,
                                        stk_time_ns now, int64_t *ret, struct stk_error *err);

/* Rows of `pools` and `workers` as GET /status has them. What only a pool itself
 * knows (containment, late answers, totals of a worker) is null. */
void stk_pools_show(const struct stk_pools *pools, json_t *ret_pools, json_t *ret_workers);

#endif
