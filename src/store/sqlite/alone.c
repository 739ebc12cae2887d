/* SPDX-License-Identifier: MIT
 *
 * What only a shared store has: on a file with one owner there is nobody to
 * tell, to hear, to fear or to watch.
 */
#include "store/sqlite/sqlite.h"

#include "base/clock.h"

stk_time_ns stk_sqlite_now(struct stk_store *store)
{
    (void)store;
    return stk_clock_now();
}

stk_time_ns stk_sqlite_lease(struct stk_store *store)
{
    (void)store;
    return STK_NEVER;
}

enum stk_rc stk_sqlite_cancels(struct stk_store *store, int64_t pool_id,
                               void (*each)(void *context, int64_t job_id), void *context,
                               struct stk_error *err)
{
    (void)store, (void)pool_id, (void)each, (void)context, (void)err;
    return STK_OK;
}

enum stk_rc stk_sqlite_sweep_take(struct stk_store *store, int64_t id, struct stk_error *err)
{
    (void)id;
    return stk_sqlite_writing(downcast(store), err);
}

unsigned stk_sqlite_hints(struct stk_store *store)
{
    (void)store;
    return 0;
}

void stk_sqlite_tell(struct stk_store *store, unsigned hints)
{
    (void)store, (void)hints;
}

enum stk_rc stk_sqlite_listen(const char *url, stk_heard_fn heard, void *context,
                              struct stk_listener **ret, struct stk_error *err)
{
    (void)url, (void)heard, (void)context, (void)err;
    *ret = NULL;
    return STK_OK;
}

enum stk_rc stk_sqlite_watch(struct stk_store *store, int64_t pool_id, uint32_t lines,
                             stk_time_ns until, stk_time_ns now, int64_t *ret_watch_id,
                             struct stk_error *err)
{
    (void)store, (void)pool_id, (void)lines, (void)until, (void)now, (void)err;
    *ret_watch_id = 0;
    return STK_OK;
}

enum stk_rc stk_sqlite_watched(struct stk_store *store, int64_t pool_id, int64_t after_id,
                               stk_time_ns now, struct stk_watch *ret, struct stk_error *err)
{
    (void)store, (void)pool_id, (void)after_id, (void)now, (void)err;
    *ret = (struct stk_watch){ 0 };
    return STK_OK;
}

enum stk_rc stk_sqlite_ship(struct stk_store *store, const struct stk_shipped *lines, size_t count,
                            stk_time_ns now, struct stk_error *err)
{
    (void)store, (void)lines, (void)count, (void)now, (void)err;
    return STK_OK;
}

enum stk_rc stk_sqlite_answer(struct stk_store *store, int64_t watch_id, int64_t pool_id,
                              struct stk_error *err)
{
    (void)store, (void)watch_id, (void)pool_id, (void)err;
    return STK_OK;
}

enum stk_rc stk_sqlite_answers(struct stk_store *store, int64_t watch_id,
                               void (*each)(void *context, int64_t pool_id), void *context,
                               struct stk_error *err)
{
    (void)store, (void)watch_id, (void)each, (void)context, (void)err;
    return STK_OK;
}

enum stk_rc stk_sqlite_shipped(struct stk_store *store, int64_t pool_id, int64_t after_id,
                               size_t limit, stk_shipped_fn each, void *context,
                               struct stk_error *err)
{
    (void)store, (void)pool_id, (void)after_id, (void)limit, (void)each, (void)context, (void)err;
    return STK_OK;
}
