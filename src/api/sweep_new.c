/* SPDX-License-Identifier: MIT
 *
 * sweep_new - sweeps made and extended: the answer comes when the points are in,
 * or after two seconds with how far the pool is.
 */
#include <inttypes.h>

#include "api/routes.h"
#include "api/show.h"
#include "api/sweeps.h"
#include "base/clock.h"
#include "feed/sweep.h"

enum { PREVIEW_POINTS = 10 };

#define FILL_WAIT  (2 * STK_SECOND)
#define LOOK_EVERY (50 * STK_MS)
#define STUCK_WAIT (60 * STK_SECOND)

/* --- what was asked ------------------------------------------------------ */

static json_t *copy_recipe(const json_t *body)
{
    static const char *const members[] = { "axes", "zip", "where", "sample", "seed", "from" };
    json_t *recipe = json_object();
    for (size_t i = 0; i < STK_ARRAY_LEN(members); i++) {
        json_t *value = json_object_get(body, members[i]);
        if (value != NULL && !json_is_null(value)) stk_put(recipe, members[i], json_incref(value));
    }
    return recipe;
}

static enum stk_rc ask(const struct stk_call *call, struct stk_sweep_request *request,
                       bool *ret_dry_run, struct stk_error *err)
{
    const json_t *body = call->request->body;
    request->points_max = call->api->settings->sweep_points_confirm;

    enum stk_rc rc = stk_json_get_string(body, "name", &request->name, err);
    if (rc == STK_OK) rc = stk_json_get_bool(body, "dry_run", ret_dry_run, err);
    if (rc == STK_OK) rc = stk_json_get_int(body, "points_max", &request->points_max, err);
    if (rc == STK_OK) {
        rc = stk_call_priority(call, &request->priority, &request->has_priority, err);
    }
    if (rc != STK_OK) return rc;
    if (request->points_max < 1) {
        return stk_fail(err, STK_INVALID, "points_max must be at least 1, not %" PRId64,
                        request->points_max);
    }
    return STK_OK;
}

/* --- what is answered ---------------------------------------------------- */

static enum stk_rc preview(const struct stk_call *call, const struct stk_sweep_request *request,
                           json_t **ret, struct stk_error *err)
{
    int64_t points = 0;
    json_t *sample = NULL;
    enum stk_rc rc =
        stk_sweep_preview(call->api->settings, request, PREVIEW_POINTS, &points, &sample, err);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "points", json_integer(points));
    stk_put(shown, "sample", sample);
    *ret = shown;
    return STK_OK;
}

static json_t *show(const struct stk_sweep_answer *answer, const struct stk_sweep_facts *unfilled)
{
    json_t *shown = json_object();
    stk_put(shown, "sweep_id", json_integer(answer->sweep_id));
    stk_put(shown, "points", json_integer(answer->points));
    stk_put(shown, "new", json_integer(answer->fresh));
    stk_put(shown, "existing", json_integer(answer->existing));
    stk_put(shown, "filled", json_boolean(unfilled == NULL));
    if (unfilled != NULL) stk_put(shown, "done", json_integer(unfilled->done));
    return shown;
}

/* What was new is the difference between the jobs in the sweep now and those that
 * were to be in it before. */
static void answer_from(const struct stk_sweep_facts *facts, int64_t jobs_before,
                        struct stk_sweep_answer *answer, json_t **ret)
{
    answer->fresh = facts->jobs > jobs_before ? facts->jobs - jobs_before : 0;
    if (facts->filled && answer->points > answer->fresh) {
        answer->existing = answer->points - answer->fresh;
    }
    *ret = show(answer, facts->filled ? NULL : facts);
}

static enum stk_rc fill_in_pool(const struct stk_call *call, int64_t jobs_before,
                                struct stk_sweep_answer *answer, json_t **ret,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_sweep_facts_release) struct stk_sweep_facts facts = { .id = 0 };
    struct stk_error why = { .rc = STK_OK };

    stk_pool_feed(call->api->pool);
    bool is_over = stk_pool_feed_wait(call->api->pool, answer->sweep_id, FILL_WAIT, &why);
    enum stk_rc rc = stk_sweep_facts_read(call, answer->sweep_id, &facts, err);
    if (rc != STK_OK) return rc;
    if (is_over && !facts.filled && why.rc != STK_OK) {
        return stk_fail(err, why.rc,
                        "sweep %" PRId64 " is accepted, but not all of its points "
                        "are in: %s",
                        answer->sweep_id, why.text);
    }
    answer_from(&facts, jobs_before, answer, ret);
    return STK_OK;
}

/* Another process of a shared store fills: until it has, or has made no headway
 * for so long that its turn may be taken (FILL_WAIT). */
static enum stk_rc wait_for_other(const struct stk_call *call, int64_t sweep_id,
                                  struct stk_sweep_facts *facts, struct stk_error *err)
{
    int64_t jobs = -1;
    stk_time_ns moved_at = stk_clock_mono();
    while (true) {
        stk_sweep_facts_release(facts);
        enum stk_rc rc = stk_sweep_facts_read(call, sweep_id, facts, err);
        if (rc != STK_OK || facts->filled) return rc;

        if (facts->jobs != jobs) moved_at = stk_clock_mono();
        jobs = facts->jobs;
        if (stk_clock_mono() - moved_at > FILL_WAIT) return STK_OK;
        stk_clock_pause(LOOK_EVERY);
    }
}

static enum stk_rc fill_here(const struct stk_call *call, struct stk_sweep_answer *answer,
                             json_t **ret, struct stk_error *err)
{
    const struct stk_api *api = call->api;
    enum stk_rc rc = stk_sweep_fill(&api->access, api->settings, answer->sweep_id, api->progress,
                                    api->progress_context, answer, err);
    if (rc == STK_OK) *ret = show(answer, NULL);
    return rc;
}

/* Whoever is quicker fills: this process or a pool. One that is still not filled
 * after STUCK_WAIT without headway is left to the pools; the answer says how far
 * it is. */
static enum stk_rc fill_shared(const struct stk_call *call, int64_t jobs_before,
                               struct stk_sweep_answer *answer, json_t **ret, struct stk_error *err)
{
    const struct stk_api *api = call->api;
    STK_CLEANUP(stk_sweep_facts_release) struct stk_sweep_facts facts = { .id = 0 };
    stk_time_ns deadline = stk_clock_mono() + STUCK_WAIT;
    do {
        int64_t jobs = facts.jobs;
        enum stk_rc rc = stk_sweep_fill(&api->access, api->settings, answer->sweep_id,
                                        api->progress, api->progress_context, NULL, err);
        if (rc != STK_OK && rc != STK_BUSY) return rc;
        rc = wait_for_other(call, answer->sweep_id, &facts, err);
        if (rc != STK_OK) return rc;
        if (facts.jobs > jobs) deadline = stk_clock_mono() + STUCK_WAIT;
    } while (!facts.filled && stk_clock_mono() < deadline);

    answer_from(&facts, jobs_before, answer, ret);
    return STK_OK;
}

static enum stk_rc make(const struct stk_call *call, const struct stk_sweep_request *request,
                        int64_t jobs_before, json_t **ret, struct stk_error *err)
{
    struct stk_sweep_answer answer = { .sweep_id = 0 };
    enum stk_rc rc = stk_sweep_accept(&call->api->access, call->api->settings, request,
                                      &answer.sweep_id, &answer.points, err);
    if (rc != STK_OK) return rc;

    if (call->api->pool != NULL) return fill_in_pool(call, jobs_before, &answer, ret, err);
    if (!stk_store_is_shared(call->api->settings->store)) return fill_here(call, &answer, ret, err);
    return fill_shared(call, jobs_before, &answer, ret, err);
}

enum stk_rc stk_api_sweep_new(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *recipe = copy_recipe(call->request->body);
    struct stk_sweep_request request = { .recipe = recipe };
    bool dry_run = false;

    enum stk_rc rc = stk_json_get_string(call->request->body, "task", &request.task, err);
    if (rc == STK_OK) rc = ask(call, &request, &dry_run, err);
    if (rc != STK_OK) return rc;
    if (request.task == NULL) return stk_fail(err, STK_INVALID, "task is missing: which one?");

    if (dry_run) return preview(call, &request, ret, err);
    return make(call, &request, 0, ret, err);
}

enum stk_rc stk_api_sweep_extend(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *recipe = copy_recipe(call->request->body);
    STK_CLEANUP(stk_sweep_facts_release) struct stk_sweep_facts before = { .id = 0 };
    struct stk_sweep_request request = { .recipe = recipe };
    bool dry_run = false;

    enum stk_rc rc = stk_id_or_last(call->arg, "sweep", &request.extend_id, err);
    if (rc == STK_OK) rc = ask(call, &request, &dry_run, err);
    if (rc == STK_OK) rc = stk_sweep_facts_read(call, request.extend_id, &before, err);
    if (rc != STK_OK) return rc;

    request.extend_id = before.id;
    request.task = before.task;
    if (dry_run) return preview(call, &request, ret, err);
    return make(call, &request, before.points, ret, err);
}
