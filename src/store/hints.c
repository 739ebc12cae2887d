/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

unsigned stk_store_hints(struct stk_store *store)
{
    return store->engine->hints(store);
}

void stk_store_tell(struct stk_store *store, unsigned hints)
{
    if (hints != 0) store->engine->tell(store, hints);
}

enum stk_rc stk_store_listen(const char *url, stk_heard_fn heard, void *context,
                             struct stk_listener **ret, struct stk_error *err)
{
    const struct stk_engine *engine = NULL;
    enum stk_rc rc = stk_engine_of(url, &engine, err);
    return engine != NULL ? engine->listen(url, heard, context, ret, err) : rc;
}
