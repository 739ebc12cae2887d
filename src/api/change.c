/* SPDX-License-Identifier: MIT */
#include "api/change.h"

#include <assert.h>
#include <stdlib.h>

#include "api/page.h"
#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"

struct change {
    const struct stk_call *call;
    enum stk_action action;
    struct stk_job_range range;
    const char *reason;
    struct stk_bulk before; /* what the earlier steps did */
    struct stk_bulk after;  /* and this one */
    struct stk_bulk total;  /* of all walks */
    int64_t *running;       /* of this step, to be told after its commit */
    size_t running_count;
};

static void release(struct change *change)
{
    free(change->running);
}

static void note_running(void *context, int64_t job_id)
{
    struct change *change = context;
    assert(change->running_count < STK_STORE_CHUNK);
    change->running[change->running_count++] = job_id;
}

/* May be run again after a rollback: it starts from what was before. */
static enum stk_rc write_step(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct change *change = arg;
    const char *actor = change->call->request->actor;

    change->after = change->before;
    change->running_count = 0;
    if (change->action == STK_ACTION_RETRY) {
        return stk_store_retry(store, &change->range, change->reason, actor, now, &change->after,
                               err);
    }
    return stk_store_cancel(store, &change->range, change->reason, actor, now, &change->after,
                            note_running, change, err);
}

static void tell_pool(const struct change *change)
{
    struct stk_pool *pool = change->call->api->pool;
    for (size_t i = 0; pool != NULL && i < change->running_count; i++) {
        stk_pool_cancel(pool, change->running[i]);
    }
}

/* One walk over the range. */
static enum stk_rc walk(struct change *change, struct stk_error *err)
{
    change->before = (struct stk_bulk){ .more = true };
    while (change->before.more) {
        enum stk_rc rc = stk_write(&change->call->api->access, write_step, change, err);
        if (rc != STK_OK) return rc;
        change->before = change->after;
        tell_pool(change);
    }
    change->total.changed += change->before.changed;
    change->total.asked += change->before.asked;
    change->total.skipped += change->before.skipped;
    return STK_OK;
}

/* A walk for each state that is put back: a store that is told a state passes
 * over the others without a word, so what was skipped is what is left. */
static enum stk_rc retry_sweep(struct change *change, int64_t jobs, struct stk_error *err)
{
    static const enum stk_state states[] = { STK_STATE_FAILED, STK_STATE_CANCELLED };
    for (size_t i = 0; i < STK_ARRAY_LEN(states); i++) {
        change->range.state = (int)states[i];
        enum stk_rc rc = walk(change, err);
        if (rc != STK_OK) return rc;
    }
    change->total.skipped = jobs > change->total.changed ? jobs - change->total.changed : 0;
    return STK_OK;
}

/* --- which jobs ---------------------------------------------------------- */

struct target {
    const struct stk_selector *selector;
    struct stk_job_range *range;
    int64_t jobs; /* of a sweep */
};

static enum stk_rc read_sweep(struct stk_store *store, struct target *target, struct stk_error *err)
{
    struct stk_counts counts;
    int64_t *id = &target->range->sweep_id;
    *id = target->selector->first;

    enum stk_rc rc =
        *id == 0 ? stk_store_last_sweep(store, id, err) : stk_sweep_must_exist(store, *id, err);
    if (rc == STK_OK) rc = stk_store_counts(store, *id, &counts, err);
    if (rc == STK_OK) target->jobs = stk_counts_total(&counts);
    return rc;
}

static enum stk_rc read_target(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct target *target = arg;
    struct stk_job_range *range = target->range;
    *range = (struct stk_job_range){ .first = 1, .last = INT64_MAX, .state = -1 };

    switch (target->selector->kind) {
    case STK_SELECT_IDS:
        range->first = target->selector->first;
        range->last = target->selector->last;
        return STK_OK;
    case STK_SELECT_LAST: {
        enum stk_rc rc = stk_store_last_job(store, &range->first, err);
        range->last = range->first;
        return rc;
    }
    case STK_SELECT_SWEEP: return read_sweep(store, target, err);
    }
    return stk_fail(err, STK_INTERNAL, "a selector of no kind");
}

static json_t *show(const struct stk_bulk *bulk)
{
    json_t *shown = json_object();
    stk_put(shown, "changed", json_integer(bulk->changed));
    stk_put(shown, "asked", json_integer(bulk->asked));
    stk_put(shown, "skipped", json_integer(bulk->skipped));
    return shown;
}

enum stk_rc stk_change_jobs(const struct stk_call *call, enum stk_action action,
                            const struct stk_selector *selector, json_t **ret,
                            struct stk_error *err)
{
    STK_CLEANUP(release) struct change change = { .call = call, .action = action };
    struct target target = { .selector = selector, .range = &change.range };
    change.running = stk_realloc(NULL, STK_STORE_CHUNK, sizeof *change.running);

    enum stk_rc rc = stk_call_reason(call, &change.reason, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_target, &target, err);
    if (rc != STK_OK) return rc;

    bool is_sweep_retry = action == STK_ACTION_RETRY && selector->kind == STK_SELECT_SWEEP;
    rc = is_sweep_retry ? retry_sweep(&change, target.jobs, err) : walk(&change, err);
    if (rc != STK_OK) return rc;

    *ret = show(&change.total);
    return STK_OK;
}

static enum stk_rc change_selected(const struct stk_call *call, enum stk_action action,
                                   json_t **ret, struct stk_error *err)
{
    const char *text = NULL;
    struct stk_selector selector;

    enum stk_rc rc = stk_json_get_string(call->request->body, "selector", &text, err);
    if (rc != STK_OK) return rc;
    if (text == NULL) {
        return stk_fail(err, STK_INVALID, "selector is missing: 5, 1-10, last or sweep:3");
    }
    rc = stk_selector_parse(text, &selector, err);
    if (rc != STK_OK) return rc;
    return stk_change_jobs(call, action, &selector, ret, err);
}

enum stk_rc stk_api_jobs_retry(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_selected(call, STK_ACTION_RETRY, ret, err);
}

enum stk_rc stk_api_jobs_cancel(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_selected(call, STK_ACTION_CANCEL, ret, err);
}
