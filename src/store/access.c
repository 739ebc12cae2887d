/* SPDX-License-Identifier: MIT */
#include "store/access.h"

#include "base/clock.h"

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

static enum stk_rc write_direct(void *context, stk_write_fn fn, void *arg, struct stk_error *err)
{
    struct stk_store *store = context;
    enum stk_rc rc = stk_store_begin(store, err);
    if (rc != STK_OK) return rc;

    rc = fn(store, arg, stk_clock_now(), err);
    if (rc == STK_OK) return stk_store_commit(store, err);
    stk_store_rollback(store);
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
