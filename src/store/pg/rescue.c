/* SPDX-License-Identifier: MIT
 *
 * Giving back the jobs of pools that are gone. A pool is gone when its lease has
 * run out a grace ago; it is marked first, and from then on it can neither claim
 * nor beat. Which jobs it ran: those that it wrote down with its last beat,
 * those that were started since, and remote ones in a worker's hands; each is
 * looked at. Several may rescue at once: a row that another one holds is left to
 * it, and a pool is done with when nothing of it is running.
 *
 * Leases are by the database's clock. After a leap of it all living pools beat
 * before anybody is taken for gone.
 */
#include "store/lost.h"
#include "store/pg/pg.h"

#include <stdio.h>

#include "base/clock.h"

/* --- pools that are gone ------------------------------------------------- */

static enum stk_rc say_gone(struct stk_pg *self, const struct stk_pg_rows *rows, int row,
                            stk_time_ns now, struct stk_error *err)
{
    char text[300];
    int64_t id = stk_pg_int(rows, row, 0);
    (void)snprintf(text, sizeof(text),
                   "pool p%lld (pid %lld on %s) has not been heard of for %lld s; its jobs are "
                   "given back",
                   (long long)id, (long long)stk_pg_int(rows, row, 2), stk_pg_text(rows, row, 1),
                   (long long)((now - stk_pg_int(rows, row, 3)) / STK_SECOND));
    struct stk_event event = { .pool_id = id, .text = text };
    return stk_pg_event_add(self, STK_EVENT_POOL_LOST, &event, now, err);
}

static enum stk_rc end_pools(struct stk_pg *self, int64_t alive, stk_time_ns now,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    bool leapt =
        self->clock_step_mono != 0 && stk_clock_mono() < self->clock_step_mono + self->lease_ns / 2;
    if (leapt) return STK_OK;
    stk_pg_arg_int(self, alive);
    stk_pg_arg_int(self, now);
    enum stk_rc rc = stk_pg_run(self, STMT_POOL_LOST, "look for lost pools", &rows, err);
    for (int i = 0; i < rows.count && rc == STK_OK; i++) {
        rc = say_gone(self, &rows, i, now, err);
    }
    return rc;
}

/* --- their jobs ---------------------------------------------------------- */

static struct stk_lost_row lost_row_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_lost_row){
        .id = stk_pg_int(rows, row, 0),
        .attempt_id = stk_pg_int(rows, row, 1),
        .attempt = (uint32_t)stk_pg_int(rows, row, 2),
        .interruptions = (uint32_t)stk_pg_int(rows, row, 3),
        .cancel_requested = stk_pg_bool(rows, row, 4),
        .pool_id = stk_pg_int(rows, row, 5),
        .task = stk_pg_text(rows, row, 6),
        .phase = stk_pg_text(rows, row, 7),
        .submitted_at = stk_pg_int(rows, row, 8),
    };
}

static enum stk_rc find_lost(struct stk_pg *self, int64_t alive, int64_t cursor,
                             struct stk_lost *lost, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, cursor);
    stk_pg_arg_int(self, STK_STORE_CHUNK);
    stk_pg_arg_int(self, alive);
    enum stk_rc rc = stk_pg_run(self, STMT_STEP_LOST, "look for lost jobs", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        struct stk_lost_row row = lost_row_of(&rows, i);
        stk_lost_add(lost, &row);
    }
    return rc;
}

enum stk_rc stk_pg_rescue(struct stk_store *store, int64_t pool_id, stk_bound_fn bound,
                          void *context, stk_time_ns now, struct stk_bulk *bulk,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_lost_release) struct stk_lost lost = { 0 };
    stk_lost_init(&lost, bound, context, now);
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK && bulk->cursor == 0) rc = end_pools(self, pool_id, now, err);
    if (rc == STK_OK) rc = find_lost(self, pool_id, bulk->cursor, &lost, err);
    if (rc == STK_OK) rc = stk_lost_settle(store, &lost, bulk, err);
    if (rc != STK_OK || bulk->more) return rc;
    return stk_pg_run(self, STMT_POOL_RESCUED, "note that a pool is rescued", NULL, err);
}
