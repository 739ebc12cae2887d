/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <assert.h>

enum stk_rc stk_store_notice_add(struct stk_store *store, const struct stk_notice *notice,
                                 stk_time_ns now, bool *ret_fresh, struct stk_error *err)
{
    assert(notice->event != NULL && notice->key != NULL && notice->text != NULL);
    return store->engine->notice_add(store, notice, now, ret_fresh, err);
}

enum stk_rc stk_store_notices_due(struct stk_store *store, stk_time_ns now, size_t limit,
                                  stk_notice_fn each, void *context, stk_time_ns *ret_next,
                                  struct stk_error *err)
{
    return store->engine->notices_due(store, now, limit, each, context, ret_next, err);
}

enum stk_rc stk_store_notice_tried(struct stk_store *store, int64_t id, const char *left,
                                   stk_time_ns next_at, struct stk_error *err)
{
    return store->engine->notice_tried(store, id, left, next_at, err);
}
