/* SPDX-License-Identifier: MIT */
#include "api/sweeps.h"

#include <inttypes.h>
#include <string.h>

#include "api/change.h"
#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"

enum { SWEEPS_LIMIT = 100 };

#define WAIT_MAX   (60 * STK_SECOND)
#define WAIT_SLICE (250 * STK_MS) /* how long an ending server may go unnoticed */

/* --- one row ------------------------------------------------------------- */

/* Parts as feed/sweep.c keeps them, without the text of a file: it may be as
 * long as a body. */
static json_t *show_recipe(const char *spec)
{
    json_t *shown = stk_show_json(spec);
    const json_t *parts = json_object_get(shown, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        (void)json_object_del(json_object_get(json_array_get(parts, i), "from"), "text");
    }
    return shown;
}

static void add_parts(const json_t *recipe, struct stk_sweep_facts *facts, int64_t *ret_done)
{
    const json_t *parts = json_object_get(recipe, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        int64_t points = json_integer_value(json_object_get(part, "points"));
        facts->asked += points;
        if (json_is_true(json_object_get(part, "done"))) *ret_done += points;
    }
}

/* Points that were looked at: of the parts that are in, and of the one that the
 * pool is at. Without a pool the jobs themselves tell. */
static int64_t count_done(struct stk_pool *pool, const struct stk_sweep_facts *facts,
                          int64_t of_parts)
{
    int64_t done = 0;
    int64_t points = 0;
    bool is_at_it = pool != NULL && stk_pool_feeding(pool, facts->id, &done, &points);
    if (is_at_it) return of_parts + done;
    return of_parts > facts->jobs ? of_parts : facts->jobs;
}

/* The rate is that of the sweep's whole life so far: what it did lately only a
 * pool knows, and a pool may serve many sweeps. Work on something else in
 * between makes it slower than it is. */
static void put_pace(json_t *shown, const struct stk_sweep *sweep, stk_time_ns now)
{
    bool is_finished = sweep->finished_at != STK_NEVER;
    stk_time_ns lasted = (is_finished ? sweep->finished_at : now) - sweep->created_at;
    int64_t left = sweep->counts.of[STK_STATE_PENDING] + sweep->counts.of[STK_STATE_RUNNING];
    double seconds = (double)lasted / (double)STK_SECOND;
    struct stk_rate rate = { .per_s = 0 };
    if (lasted > 0) rate.per_s = (double)stk_counts_ended(&sweep->counts) / seconds;

    stk_put(shown, "per_s", stk_show_per_s(rate.per_s));
    stk_put(shown, "eta_s",
            is_finished ? json_null() : stk_show_seconds(stk_rate_eta(&rate, left)));
}

static json_t *show_sweep(const struct stk_call *call, const struct stk_sweep *sweep,
                          struct stk_sweep_facts *facts)
{
    json_t *shown = json_object();
    json_t *counts = json_object();
    json_t *recipe = show_recipe(sweep->spec);
    int64_t of_parts = 0;

    *facts = (struct stk_sweep_facts){ .id = sweep->id,
                                       .filled = sweep->filled,
                                       .points = sweep->points,
                                       .jobs = stk_counts_total(&sweep->counts) };
    add_parts(recipe, facts, &of_parts);
    facts->done = sweep->filled ? sweep->points : count_done(call->api->pool, facts, of_parts);
    int64_t looked_at = sweep->filled ? facts->asked : facts->done;
    int64_t existing = looked_at > facts->jobs ? looked_at - facts->jobs : 0;

    stk_put(shown, "id", json_integer(sweep->id));
    stk_put(shown, "name", stk_show_text(sweep->name));
    stk_put(shown, "task", stk_show_text(sweep->task));
    stk_put(shown, "points", json_integer(sweep->points));
    stk_put(shown, "filled", json_boolean(sweep->filled));
    stk_put(shown, "done", json_integer(facts->done));
    stk_put(shown, "new", json_integer(facts->jobs));
    stk_put(shown, "existing", json_integer(existing));
    stk_put(shown, "counts", counts);
    stk_put_counts(counts, &sweep->counts);
    stk_put(shown, "created_at", stk_show_time(sweep->created_at));
    stk_put(shown, "finished_at", stk_show_time(sweep->finished_at));
    put_pace(shown, sweep, call->request->now);
    stk_put(shown, "error", json_null());
    stk_put(shown, "recipe", recipe);
    return shown;
}

struct facts_read {
    const struct stk_call *call;
    int64_t id;
    struct stk_sweep_facts facts;
};

static void take_sweep(void *context, const struct stk_sweep *sweep)
{
    struct facts_read *read = context;
    json_t *shown = show_sweep(read->call, sweep, &read->facts);
    read->facts.task = stk_strdup(sweep->task);
    read->facts.shown = shown;
}

static enum stk_rc read_facts(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct facts_read *read = arg;

    enum stk_rc rc = STK_OK;
    if (read->id == 0) rc = stk_store_last_sweep(store, &read->id, err);
    if (rc == STK_OK) rc = stk_store_sweeps(store, read->id, 0, 1, take_sweep, read, err);
    if (rc != STK_OK || read->facts.shown != NULL) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no sweep %" PRId64, read->id);
}

enum stk_rc stk_sweep_facts_read(const struct stk_call *call, int64_t id,
                                 struct stk_sweep_facts *ret, struct stk_error *err)
{
    struct facts_read read = { .call = call, .id = id };
    enum stk_rc rc = stk_read(&call->api->access, read_facts, &read, err);
    if (rc != STK_OK) {
        stk_sweep_facts_release(&read.facts);
        return rc;
    }
    *ret = read.facts;
    return STK_OK;
}

void stk_sweep_facts_release(struct stk_sweep_facts *facts)
{
    stk_freep(&facts->task);
    stk_json_freep(&facts->shown);
}

static bool is_ending(const struct stk_api *api)
{
    return api->ending != NULL && atomic_load(api->ending);
}

/* Until it is filled, or cannot be, or the time is over. A wait of nothing asks
 * once, which tells a failure. */
static void wait_filled(const struct stk_call *call, int64_t id, stk_time_ns wait,
                        struct stk_error *why)
{
    while (true) {
        stk_time_ns slice = wait < WAIT_SLICE ? wait : WAIT_SLICE;
        if (stk_pool_feed_wait(call->api->pool, id, slice, why)) return;
        wait -= slice;
        if (wait <= 0 || is_ending(call->api)) return;
    }
}

enum stk_rc stk_api_sweep(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_sweep_facts_release) struct stk_sweep_facts facts = { .id = 0 };
    struct stk_error why = { .rc = STK_OK };
    stk_time_ns wait = 0;
    int64_t id = 0;

    enum stk_rc rc = stk_id_or_last(call->arg, "sweep", &id, err);
    if (rc == STK_OK) rc = stk_call_duration(call, "wait", WAIT_MAX, &wait, err);
    if (rc == STK_OK) rc = stk_sweep_facts_read(call, id, &facts, err);
    if (rc != STK_OK) return rc;

    if (!facts.filled && call->api->pool != NULL) {
        wait_filled(call, facts.id, wait, &why);
        int64_t found = facts.id;
        stk_sweep_facts_release(&facts);
        rc = stk_sweep_facts_read(call, found, &facts, err);
        if (rc != STK_OK) return rc;
    }
    if (!facts.filled && why.rc != STK_OK) stk_put(facts.shown, "error", stk_show_text(why.text));
    *ret = json_incref(facts.shown);
    return STK_OK;
}

/* --- a page of them ------------------------------------------------------ */

struct sweeps_read {
    const struct stk_call *call;
    int64_t before;
    size_t limit;
    json_t *rows;
    int64_t last;
    bool has_more;
};

static void add_sweep(void *context, const struct stk_sweep *sweep)
{
    struct sweeps_read *read = context;
    struct stk_sweep_facts facts;
    json_t *shown = show_sweep(read->call, sweep, &facts);

    (void)json_object_del(shown, "recipe");
    (void)json_array_append_new(read->rows, shown);
    read->last = sweep->id;
}

static void note_more(void *context, const struct stk_sweep *sweep)
{
    struct sweeps_read *read = context;
    (void)sweep;
    read->has_more = true;
}

static enum stk_rc read_sweeps(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct sweeps_read *read = arg;

    enum stk_rc rc = stk_store_sweeps(store, 0, read->before, read->limit, add_sweep, read, err);
    if (rc != STK_OK || json_array_size(read->rows) < read->limit) return rc;
    return stk_store_sweeps(store, 0, read->last, 1, note_more, read, err);
}

enum stk_rc stk_api_sweeps(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct sweeps_read read = { .call = call, .limit = SWEEPS_LIMIT };

    enum stk_rc rc = stk_call_limit(call, &read.limit, err);
    if (rc == STK_OK) rc = stk_call_int(call, "before", 1, INT64_MAX, &read.before, err);
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    read.rows = rows;
    rc = stk_read(&call->api->access, read_sweeps, &read, err);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "sweeps", json_incref(rows));
    stk_put(shown, "next", stk_show_id(read.has_more ? read.last : 0));
    *ret = shown;
    return STK_OK;
}

/* --- what people do to a whole one --------------------------------------- */

static enum stk_rc change_sweep(const struct stk_call *call, enum stk_action action, json_t **ret,
                                struct stk_error *err)
{
    struct stk_selector selector = { .kind = STK_SELECT_SWEEP };
    enum stk_rc rc = stk_id_or_last(call->arg, "sweep", &selector.first, err);
    if (rc != STK_OK) return rc;
    return stk_change_jobs(call, action, &selector, ret, err);
}

enum stk_rc stk_api_sweep_retry(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_sweep(call, STK_ACTION_RETRY, ret, err);
}

enum stk_rc stk_api_sweep_cancel(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_sweep(call, STK_ACTION_CANCEL, ret, err);
}
