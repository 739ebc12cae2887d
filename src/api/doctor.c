/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "api/pools.h"
#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"

struct doctor_read {
    bool deep;
    json_t *rows;
};

static void add_finding(void *context, enum stk_finding level, const char *text)
{
    static const char *const names[] = {
        [STK_FINDING_OK] = "ok",
        [STK_FINDING_WARN] = "warn",
        [STK_FINDING_BAD] = "bad",
    };
    json_t *shown = json_object();
    stk_put(shown, "level", json_string(names[level]));
    stk_put(shown, "text", stk_show_text(text));
    (void)json_array_append_new(context, shown);
}

static enum stk_rc read_findings(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct doctor_read *read = arg;
    return stk_store_doctor(store, read->deep, add_finding, read->rows, err);
}

/* A program without a slash is looked for when it is started, in the job's
 * environment: nothing can be said of it here. */
static void look_at_task(const struct stk_task *task, json_t *rows)
{
    if (task->executor != STK_EXECUTOR_COMMAND || strchr(task->argv[0], '/') == NULL) return;

    STK_CLEANUP(stk_freep) char *text = NULL;
    bool is_there = access(task->argv[0], X_OK) == 0;
    if (is_there) {
        text = stk_format("task \"%s\": %s can be started", task->name, task->argv[0]);
    } else {
        text = stk_format("task \"%s\": could not start %s: %s", task->name, task->argv[0],
                          strerror(errno));
    }
    add_finding(rows, is_there ? STK_FINDING_OK : STK_FINDING_BAD, text);
}

static void look_at_settings(const struct stk_settings *settings, json_t *rows)
{
    if (settings->task_count == 0) {
        add_finding(rows, STK_FINDING_WARN,
                    "stoker.yaml declares no tasks: nothing can be submitted");
    }
    for (size_t i = 0; i < settings->task_count; i++) {
        look_at_task(&settings->tasks[i], rows);
    }
}

static void look_at_pool(struct stk_pool *pool, json_t *rows)
{
    struct stk_pool_view view;
    stk_pool_view(pool, &view);

    bool is_paused = view.state == STK_POOL_PAUSED;
    STK_CLEANUP(stk_freep)
    char *text = is_paused ? stk_format("the pool has paused itself: %s", view.reason)
                           : stk_format("a pool with %u workers is %s", (unsigned)view.workers,
                                        stk_pool_state_name(view.state));
    add_finding(rows, is_paused ? STK_FINDING_BAD : STK_FINDING_OK, text);
    if (view.containment == NULL) return;
    STK_CLEANUP(stk_freep)
    char *contained = stk_format("programs of jobs are contained by: %s", view.containment);
    add_finding(rows, STK_FINDING_OK, contained);
}

static void look_at_pools(const struct stk_pools *pools, json_t *rows)
{
    if (pools->alive == 0) {
        add_finding(rows, STK_FINDING_WARN, "no pool is running: start one with: stoker up");
        return;
    }
    STK_CLEANUP(stk_freep)
    char *text = stk_format(
        "%" PRIu32 " pool%s with %" PRIu32 " worker%s, %" PRIu32 " of them busy", pools->alive,
        pools->alive == 1 ? "" : "s", pools->workers, pools->workers == 1 ? "" : "s", pools->busy);
    add_finding(rows, STK_FINDING_OK, text);
}

static enum stk_rc read_pools(struct stk_store *store, void *arg, struct stk_error *err)
{
    return stk_pools_read(store, stk_store_now(store), arg, err);
}

enum stk_rc stk_api_doctor(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    struct doctor_read read = { .rows = rows };

    enum stk_rc rc = stk_call_bool(call, "deep", &read.deep, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_findings, &read, err);
    STK_CLEANUP(stk_pools_release) struct stk_pools pools = STK_POOLS_INIT;
    if (rc == STK_OK && stk_pools_are_rows(call->api)) {
        rc = stk_read(&call->api->access, read_pools, &pools, err);
    }
    if (rc != STK_OK) return rc;
    look_at_settings(call->api->settings, rows);
    if (call->api->pool != NULL) look_at_pool(call->api->pool, rows);
    if (call->api->pool == NULL) look_at_pools(&pools, rows);

    json_t *shown = json_object();
    stk_put(shown, "findings", json_incref(rows));
    *ret = shown;
    return STK_OK;
}
