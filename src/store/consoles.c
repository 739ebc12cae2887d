/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <assert.h>

enum stk_rc stk_store_watch(struct stk_store *store, int64_t pool_id, uint32_t lines,
                            stk_time_ns until, stk_time_ns now, int64_t *ret_watch_id,
                            struct stk_error *err)
{
    return store->engine->watch(store, pool_id, lines, until, now, ret_watch_id, err);
}

enum stk_rc stk_store_watched(struct stk_store *store, int64_t pool_id, int64_t after_id,
                              stk_time_ns now, struct stk_watch *ret, struct stk_error *err)
{
    return store->engine->watched(store, pool_id, after_id, now, ret, err);
}

enum stk_rc stk_store_ship(struct stk_store *store, const struct stk_shipped *lines, size_t count,
                           stk_time_ns now, struct stk_error *err)
{
    return store->engine->ship(store, lines, count, now, err);
}

enum stk_rc stk_store_answer(struct stk_store *store, int64_t watch_id, int64_t pool_id,
                             struct stk_error *err)
{
    return store->engine->answer(store, watch_id, pool_id, err);
}

enum stk_rc stk_store_answers(struct stk_store *store, int64_t watch_id,
                              void (*each)(void *context, int64_t pool_id), void *context,
                              struct stk_error *err)
{
    return store->engine->answers(store, watch_id, each, context, err);
}

enum stk_rc stk_store_shipped(struct stk_store *store, int64_t pool_id, int64_t after_id,
                              size_t limit, stk_shipped_fn each, void *context,
                              struct stk_error *err)
{
    assert(limit >= 1 && limit <= STK_PAGE_MAX);
    return store->engine->shipped(store, pool_id, after_id, limit, each, context, err);
}
