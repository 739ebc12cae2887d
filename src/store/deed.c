/* SPDX-License-Identifier: MIT */
#include "store/deed.h"

#include "base/alloc.h"

bool stk_deed_takes(const struct stk_deed *deed, enum stk_state state, struct stk_bulk *bulk)
{
    bool is_meant = deed->range->state < 0 || (int)state == deed->range->state;
    bool may = stk_lifecycle_allows(state, deed->action);
    if (is_meant && !may) bulk->skipped++;
    return is_meant && may;
}

enum stk_rc stk_deed_fail_none(const struct stk_deed *deed, struct stk_error *err)
{
    const struct stk_job_range *range = deed->range;
    if (range->sweep_id != 0) {
        return stk_fail(err, STK_NOT_FOUND, "sweep %lld has no such jobs",
                        (long long)range->sweep_id);
    }
    if (range->first == range->last) {
        return stk_fail(err, STK_NOT_FOUND, "there is no job %lld", (long long)range->first);
    }
    if (range->last == INT64_MAX) return stk_fail(err, STK_NOT_FOUND, "there are no such jobs");
    return stk_fail(err, STK_NOT_FOUND, "there are no jobs %lld-%lld", (long long)range->first,
                    (long long)range->last);
}

/* --- texts --------------------------------------------------------------- */

char *stk_deed_make_error(const struct stk_deed *deed)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, "cancelled");
    if (deed->actor != NULL) stk_buf_addf(&text, " by %s", deed->actor);
    if (deed->reason != NULL) stk_buf_addf(&text, ": %s", deed->reason);
    return stk_buf_take(&text);
}

static void add_range_text(struct stk_buf *buf, const struct stk_job_range *range)
{
    if (range->sweep_id != 0) stk_buf_addf(buf, "of sweep %lld", (long long)range->sweep_id);
    if (range->sweep_id == 0 && range->first == range->last) {
        stk_buf_addf(buf, "job %lld", (long long)range->first);
    } else if (range->sweep_id == 0 && range->last == INT64_MAX) {
        stk_buf_adds(buf, "of all jobs");
    } else if (range->sweep_id == 0) {
        stk_buf_addf(buf, "of jobs %lld-%lld", (long long)range->first, (long long)range->last);
    }
    if (range->state >= 0) {
        stk_buf_addf(buf, ", those that were %s", stk_state_name((enum stk_state)range->state));
    }
}

static void add_deed_text(struct stk_buf *buf, const struct stk_deed *deed,
                          const struct stk_bulk *bulk)
{
    bool is_retry = deed->action == STK_ACTION_RETRY;
    stk_buf_addf(buf, "%s %lld", is_retry ? "put back" : "cancelled", (long long)bulk->changed);
    if (bulk->asked > 0) {
        stk_buf_addf(buf, " and told %lld running to stop", (long long)bulk->asked);
    }
    stk_buf_adds(buf, ": ");
    add_range_text(buf, deed->range);
    if (deed->reason != NULL) stk_buf_addf(buf, "; %s", deed->reason);
}

enum stk_rc stk_deed_tell(struct stk_store *store, const struct stk_deed *deed,
                          const struct stk_bulk *bulk, struct stk_error *err)
{
    if (bulk->more || bulk->changed + bulk->asked == 0) return STK_OK;
    const struct stk_job_range *range = deed->range;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    add_deed_text(&text, deed, bulk);
    struct stk_event event = {
        .job_id = range->first == range->last ? range->first : 0,
        .sweep_id = range->sweep_id,
        .actor = deed->actor,
        .text = stk_buf_str(&text),
    };
    bool is_retry = deed->action == STK_ACTION_RETRY;
    enum stk_event_kind kind = is_retry ? STK_EVENT_JOBS_RETRIED : STK_EVENT_JOBS_CANCELLED;
    return stk_store_event(store, kind, &event, deed->now, err);
}
