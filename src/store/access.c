/* SPDX-License-Identifier: MIT */
#include "store/access.h"

#include "store/engine.h"

enum { BUSY_TRIES = 6 };

enum stk_rc stk_write(const struct stk_access *access, stk_write_fn fn, void *arg,
                      struct stk_error *err)
{
    return access->write(access->context, fn, arg, err);
}

enum stk_rc stk_read(const struct stk_access *access, stk_read_fn fn, void *arg,
                     struct stk_error *err)
{
    return access->read(access->context, fn, arg, err);
}

static enum stk_rc write_once(struct stk_store *store, stk_write_fn fn, void *arg,
                              struct stk_error *err)
{
    enum stk_rc rc = stk_store_begin(store, err);
    if (rc != STK_OK) return rc;

    rc = fn(store, arg, stk_store_now(store), err);
    if (rc == STK_OK) return stk_store_commit(store, err);
    stk_store_rollback(store);
    return rc;
}

/* Two that write to a shared store may be in each other's way; one of them is
 * sent away and comes again. */
static enum stk_rc write_direct(void *context, stk_write_fn fn, void *arg, struct stk_error *err)
{
    struct stk_store *store = context;
    int tries = store->engine->is_shared ? BUSY_TRIES : 1;
    enum stk_rc rc = write_once(store, fn, arg, err);
    while (rc == STK_BUSY && --tries > 0) {
        rc = write_once(store, fn, arg, err);
    }
    if (rc == STK_OK) stk_store_tell(store, stk_store_hints(store));
    return rc;
}

static enum stk_rc read_direct(void *context, stk_read_fn fn, void *arg, struct stk_error *err)
{
    return fn(context, arg, err);
}

struct stk_access stk_access_direct(struct stk_store *store)
{
    return (struct stk_access){ .write = write_direct, .read = read_direct, .context = store };
}
