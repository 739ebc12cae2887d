/* SPDX-License-Identifier: MIT */
#include "api/routes.h"
#include "api/show.h"

enum { EVENTS_LIMIT = 100 };

struct events_read {
    int64_t after, job_id;
    size_t limit;
    json_t *rows;
    int64_t last;
};

static void add_event(void *context, const struct stk_event *event)
{
    struct events_read *read = context;
    json_t *shown = json_object();

    stk_put(shown, "id", json_integer(event->id));
    stk_put(shown, "at", stk_show_time(event->at));
    stk_put(shown, "kind", stk_show_text(event->kind));
    stk_put(shown, "job", stk_show_id(event->job_id));
    stk_put(shown, "sweep", stk_show_id(event->sweep_id));
    stk_put(shown, "pool", stk_show_pool(event->pool_id));
    stk_put(shown, "queue", stk_show_text(event->queue));
    stk_put(shown, "by", stk_show_text(event->actor));
    stk_put(shown, "text", stk_show_text(event->text));
    (void)json_array_append_new(read->rows, shown);
    if (event->is_settled) read->last = event->id;
}

static enum stk_rc read_events(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct events_read *read = arg;
    return stk_store_events(store, read->after, read->job_id, read->limit, add_event, read, err);
}

/* `next` is never null here: who follows the history goes on from it, be there
 * more now or later. Events behind it come again then: on a shared store others
 * may still appear before them. */
enum stk_rc stk_api_events(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct events_read read = { .limit = EVENTS_LIMIT };

    enum stk_rc rc = stk_call_int(call, "after", 0, INT64_MAX, &read.after, err);
    if (rc == STK_OK) rc = stk_call_int(call, "job", 1, INT64_MAX, &read.job_id, err);
    if (rc == STK_OK) rc = stk_call_limit(call, &read.limit, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    read.rows = rows;
    read.last = read.after;
    rc = stk_read(&call->api->access, read_events, &read, err);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "events", json_incref(rows));
    stk_put(shown, "next", json_integer(read.last));
    *ret = shown;
    return STK_OK;
}
