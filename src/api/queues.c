/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "api/queues.h"
#include "api/routes.h"
#include "api/show.h"

static json_t *find(const json_t *rows, const char *name)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *queue = json_string_value(json_object_get(row, "queue"));
        if (queue != NULL && strcmp(queue, name) == 0) return row;
    }
    return NULL;
}

static json_t *show_queue(const char *name, bool paused, const char *reason, const char *actor)
{
    json_t *shown = json_object();
    stk_put(shown, "queue", stk_show_text(name));
    stk_put(shown, "paused", json_boolean(paused));
    stk_put(shown, "reason", stk_show_text(reason));
    stk_put(shown, "by", stk_show_text(actor));
    return shown;
}

enum stk_rc stk_queues_read(struct stk_store *store, const struct stk_settings *settings,
                            json_t *rows, struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_queues(store, &queues, &count, err);
    if (rc != STK_OK) return rc;

    for (size_t i = 0; i < count; i++) {
        const struct stk_queue *queue = &queues[i];
        const char *reason = queue->paused ? queue->reason : NULL;
        const char *actor = queue->paused ? queue->actor : NULL;
        (void)json_array_append_new(rows, show_queue(queue->name, queue->paused, reason, actor));
    }
    for (size_t i = 0; i < settings->task_count; i++) {
        const char *name = settings->tasks[i].queue;
        if (find(rows, name) != NULL) continue;
        (void)json_array_append_new(rows, show_queue(name, false, NULL, NULL));
    }
    return STK_OK;
}

/* --- with their counts --------------------------------------------------- */

struct queues_read {
    const struct stk_settings *settings;
    json_t *rows;
};

static void add_to(json_t *row, const char *name, int64_t by)
{
    stk_put(row, name, json_integer(json_integer_value(json_object_get(row, name)) + by));
}

static void add_counts(void *context, const char *queue, const char *task,
                       const struct stk_counts *counts)
{
    json_t *row = find(context, queue);
    (void)task;
    if (row == NULL) return;
    add_to(row, "pending", counts->of[STK_STATE_PENDING]);
    add_to(row, "running", counts->of[STK_STATE_RUNNING]);
}

static enum stk_rc read_queues(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct queues_read *read = arg;
    enum stk_rc rc = stk_queues_read(store, read->settings, read->rows, err);
    if (rc != STK_OK) return rc;

    for (size_t i = 0; i < json_array_size(read->rows); i++) {
        add_to(json_array_get(read->rows, i), "pending", 0);
        add_to(json_array_get(read->rows, i), "running", 0);
    }
    return stk_store_counts_by_task(store, add_counts, read->rows, err);
}

enum stk_rc stk_api_queues(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    struct queues_read read = { .settings = call->api->settings, .rows = rows };

    enum stk_rc rc = stk_read(&call->api->access, read_queues, &read, err);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "queues", json_incref(rows));
    *ret = shown;
    return STK_OK;
}

/* --- opened and closed --------------------------------------------------- */

struct gate {
    const struct stk_call *call;
    bool paused;
    const char *reason;
};

/* A queue that only stoker.yaml knows so far has no row yet: a person may close
 * it before its first job comes. */
static enum stk_rc make_row(struct stk_store *store, const struct stk_settings *settings,
                            const char *queue, struct stk_error *err)
{
    for (size_t i = 0; i < settings->task_count; i++) {
        const struct stk_task *task = &settings->tasks[i];
        int64_t task_id = 0;
        if (strcmp(task->queue, queue) != 0) continue;

        enum stk_rc rc = stk_store_task(store, task->name, task->queue, &task_id, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc write_gate(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    const struct gate *gate = arg;
    const char *queue = gate->call->arg;

    enum stk_rc rc = make_row(store, gate->call->api->settings, queue, err);
    if (rc != STK_OK) return rc;
    return stk_store_queue_pause(store, queue, gate->paused, gate->reason,
                                 gate->call->request->actor, now, err);
}

static enum stk_rc set_gate(const struct stk_call *call, bool paused, json_t **ret,
                            struct stk_error *err)
{
    struct gate gate = { .call = call, .paused = paused };

    enum stk_rc rc = paused ? stk_call_reason(call, &gate.reason, err) : STK_OK;
    if (rc == STK_OK) rc = stk_write(&call->api->access, write_gate, &gate, err);
    if (rc != STK_OK) return rc;

    *ret = show_queue(call->arg, paused, gate.reason, paused ? call->request->actor : NULL);
    return STK_OK;
}

enum stk_rc stk_api_queue_pause(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return set_gate(call, true, ret, err);
}

enum stk_rc stk_api_queue_resume(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return set_gate(call, false, ret, err);
}
