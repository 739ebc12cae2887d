/* SPDX-License-Identifier: MIT */
#include "store/pg/pg.h"

#include <stdio.h>

#include "base/clock.h"

#define FOLD_EVERY_NS (5 * STK_SECOND)

enum stk_rc stk_pg_tend(struct stk_store *store, bool idle, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    (void)idle;
    if (self->in_txn || stk_clock_mono() - self->folded_at < FOLD_EVERY_NS) return STK_OK;
    self->folded_at = stk_clock_mono();
    return stk_pg_counts_fold(self, err);
}

enum stk_rc stk_pg_doctor(struct stk_store *store, bool deep, stk_finding_fn each, void *context,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    char text[200];
    (void)deep, (void)err;
    (void)snprintf(text, sizeof(text), "%s is PostgreSQL %d.%d", self->place,
                   self->server_version / 10000, self->server_version % 10000);
    each(context, STK_FINDING_OK, text);
    return STK_OK;
}
