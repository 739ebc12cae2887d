/* SPDX-License-Identifier: MIT */
#include "session/turn.h"

#include <string.h>

enum stk_rc stk_limit_row(struct stk_store *store, const char *name, struct stk_limit *ret,
                          struct stk_error *err)
{
    const struct stk_limit *rows = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_limits(store, &rows, &count, err);
    if (rc != STK_OK) return rc;

    stk_limit_init(ret, name);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) *ret = rows[i];
    }
    return STK_OK;
}

/* A keeper asks one question at a time, so nothing of its own is in use. */
static enum stk_rc ask_all(struct stk_store *store, const struct stk_session_spec *spec,
                           struct stk_limit *limits, stk_time_ns now, stk_time_ns *ret_again_at,
                           struct stk_error *err)
{
    *ret_again_at = 0;
    for (size_t i = 0; i < spec->limit_count; i++) {
        enum stk_rc rc = stk_limit_row(store, spec->limits[i]->name, &limits[i], err);
        if (rc != STK_OK) return rc;
        struct stk_admission admission = stk_limit_admit(&limits[i], spec->limits[i], 0, now);
        if (admission.admits > 0) continue;
        bool is_timed = admission.again_at != STK_NEVER;
        stk_time_ns again_at = is_timed ? admission.again_at : now + STK_SECOND;
        if (again_at > *ret_again_at) *ret_again_at = again_at;
    }
    return STK_OK;
}

enum stk_rc stk_turn_take(struct stk_store *store, const struct stk_session_spec *spec,
                          stk_time_ns now, stk_time_ns *ret_again_at, struct stk_error *err)
{
    struct stk_limit limits[STK_TASK_LIMITS_MAX];
    enum stk_rc rc = ask_all(store, spec, limits, now, ret_again_at, err);
    if (rc != STK_OK || *ret_again_at > 0) return rc;
    for (size_t i = 0; rc == STK_OK && i < spec->limit_count; i++) {
        stk_limit_take(&limits[i], spec->limits[i], 1, now);
        rc = stk_store_limit_set(store, &limits[i], err);
    }
    return rc;
}
