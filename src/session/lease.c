/* SPDX-License-Identifier: MIT */
#include "session/lease.h"

#include <stdio.h>
#include <string.h>

#include "session/record.h"

bool stk_lease_is_free(const struct stk_lease *lease, const struct stk_session *row,
                       stk_time_ns now)
{
    if (lease->lease_ns == 0 || row->keeper[0] == '\0') return true;
    if (strcmp(row->keeper, lease->owner) == 0) return true;
    if (row->lease_until == STK_NEVER) return false;
    return now >= row->lease_until + stk_lease_grace(lease->lease_ns);
}

static enum stk_rc write_row(struct stk_store *store, const struct stk_lease *lease,
                             stk_time_ns now, struct stk_session *row, struct stk_error *err)
{
    row->lease_until = lease->lease_ns == 0 ? STK_NEVER : now + lease->lease_ns;
    (void)snprintf(row->keeper, sizeof(row->keeper), "%s", lease->owner);
    return stk_store_session_set(store, row, err);
}

enum stk_rc stk_lease_take(struct stk_store *store, const struct stk_lease *lease, stk_time_ns now,
                           struct stk_session *ret_row, bool *ret_taken, struct stk_error *err)
{
    *ret_taken = false;
    enum stk_rc rc = stk_session_row(store, lease->session, ret_row, err);
    if (rc != STK_OK || !stk_lease_is_free(lease, ret_row, now)) return rc;
    ret_row->epoch++;
    rc = write_row(store, lease, now, ret_row, err);
    *ret_taken = rc == STK_OK;
    return rc;
}

enum stk_rc stk_lease_extend(struct stk_store *store, const struct stk_lease *lease, int64_t epoch,
                             stk_time_ns now, bool *ret_held, struct stk_error *err)
{
    struct stk_session row;
    *ret_held = false;
    enum stk_rc rc = stk_session_row(store, lease->session, &row, err);
    if (rc != STK_OK || row.epoch != epoch) return rc;
    rc = write_row(store, lease, now, &row, err);
    *ret_held = rc == STK_OK;
    return rc;
}

enum stk_rc stk_lease_end(struct stk_store *store, const struct stk_lease *lease, int64_t epoch,
                          struct stk_error *err)
{
    struct stk_session row;
    enum stk_rc rc = stk_session_row(store, lease->session, &row, err);
    if (rc != STK_OK || row.epoch != epoch) return rc;
    row.keeper[0] = '\0';
    row.lease_until = STK_NEVER;
    return stk_store_session_set(store, &row, err);
}
