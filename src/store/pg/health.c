/* SPDX-License-Identifier: MIT
 *
 * Looking after the store now and then; what doctor says of it is in doctor.c.
 */
#include "store/pg/pg.h"

#include "base/clock.h"

#define FOLD_EVERY_NS  (5 * STK_SECOND)
#define SWEEP_EVERY_NS STK_MINUTE

static enum stk_rc sweep(struct stk_pg *self, struct stk_error *err)
{
    stk_time_ns mono = stk_clock_mono();
    if (self->swept_at != 0 && mono - self->swept_at < SWEEP_EVERY_NS) return STK_OK;
    self->swept_at = mono;
    return stk_pg_run(self, STMT_CANCEL_OLD, "forget cancels of pools that are gone", NULL, err);
}

enum stk_rc stk_pg_tend(struct stk_store *store, bool idle, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    (void)idle;
    if (self->in_txn || stk_clock_mono() - self->folded_at < FOLD_EVERY_NS) return STK_OK;
    self->folded_at = stk_clock_mono();
    enum stk_rc rc = stk_pg_counts_fold(self, err);
    if (rc == STK_OK) rc = sweep(self, err);
    return rc == STK_OK ? stk_past_tend(self, err) : rc;
}
