/* SPDX-License-Identifier: MIT */
#include "api/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"
#include "pool/gate.h"

enum { SENTENCE_BYTES = 400 };

/* --- reading ------------------------------------------------------------- */

static json_t *show_number(int64_t number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static json_t *show_limit(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          int64_t in_use, stk_time_ns now)
{
    struct stk_admission gate = stk_limit_admit(limit, spec, in_use, now);
    stk_time_ns interval = stk_limit_interval(limit, spec);
    bool is_open = gate.admits > 0;
    bool is_timed = !is_open && gate.again_at != STK_NEVER;
    char text[SENTENCE_BYTES];
    stk_limit_sentence(limit, spec, in_use, now, text, sizeof(text));

    json_t *shown = json_object();
    stk_put(shown, "name", stk_show_text(spec->name));
    stk_put(shown, "class", stk_show_text(stk_limit_class_name(spec->class_)));
    stk_put(shown, "state",
            stk_show_text(stk_limit_kind_name(is_open ? STK_LIMIT_OPEN : gate.kind)));
    stk_put(shown, "in_use", json_integer(in_use));
    stk_put(shown, "concurrency", show_number(stk_limit_concurrency(limit, spec, now)));
    stk_put(shown, "interval_s", interval > 0 ? stk_show_seconds(interval) : json_null());
    stk_put(shown, "quota", show_number(stk_limit_quota(limit, spec)));
    stk_put(shown, "used", json_integer(limit->used));
    stk_put(shown, "opens_in", stk_show_seconds(is_timed ? gate.again_at - now : STK_NEVER));
    stk_put(shown, "reason", stk_show_text(limit->reason[0] != '\0' ? limit->reason : NULL));
    stk_put(shown, "set_by", stk_show_text(limit->set_by[0] != '\0' ? limit->set_by : NULL));
    stk_put(shown, "text", stk_show_text(text));
    return shown;
}

enum stk_rc stk_limits_read(struct stk_store *store, const struct stk_settings *settings,
                            stk_time_ns now, json_t *rows, struct stk_error *err)
{
    STK_CLEANUP(stk_gates_release) struct stk_gates gates;
    stk_gates_init(&gates, settings);
    for (size_t i = 0; i < settings->limit_count; i++) {
        const struct stk_limit_spec *spec = &settings->limits[i];
        struct stk_limit limit;
        int64_t in_use = 0;
        enum stk_rc rc = stk_gate_limit(&gates, store, spec, &limit, &in_use, err);
        if (rc != STK_OK) return rc;
        (void)json_array_append_new(rows, show_limit(&limit, spec, in_use, now));
    }
    return STK_OK;
}

enum stk_rc stk_limits_why(struct stk_store *store, const struct stk_settings *settings,
                           const char *queue, stk_time_ns now, struct stk_buf *ret_text,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_gates_release) struct stk_gates gates;
    const struct stk_task *task = stk_settings_queue(settings, queue);
    stk_gates_init(&gates, settings);
    for (size_t i = 0; task != NULL && i < task->limit_count; i++) {
        const struct stk_limit_spec *spec = task->limits[i];
        struct stk_limit limit;
        int64_t in_use = 0;
        char text[SENTENCE_BYTES];
        enum stk_rc rc = stk_gate_limit(&gates, store, spec, &limit, &in_use, err);
        if (rc != STK_OK) return rc;
        if (stk_limit_admit(&limit, spec, in_use, now).admits > 0) continue;
        stk_limit_sentence(&limit, spec, in_use, now, text, sizeof(text));
        stk_buf_adds(ret_text, text);
        return STK_OK;
    }
    return STK_OK;
}

struct limits_read {
    const struct stk_call *call;
    json_t *rows;
};

static enum stk_rc read_limits(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct limits_read *read = arg;
    return stk_limits_read(store, read->call->api->settings, read->call->request->now, read->rows,
                           err);
}

enum stk_rc stk_api_limits(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    struct limits_read read = { .call = call, .rows = rows };
    enum stk_rc rc = stk_read(&call->api->access, read_limits, &read, err);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "limits", json_incref(rows));
    *ret = shown;
    return STK_OK;
}

/* --- what a person changes ----------------------------------------------- */

struct limit_change {
    const struct stk_call *call;
    const struct stk_limit_spec *spec;
    bool clear;
    int64_t per_window, concurrency; /* -1: leave as it is */
    const char *reason;
    json_t *shown;
};

static enum stk_rc add_event(struct stk_store *store, const struct limit_change *change,
                             const struct stk_limit *limit, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_addf(&text, "limit \"%s\" was %s", limit->name, change->clear ? "cleared" : "set to");
    if (change->per_window >= 0) stk_buf_addf(&text, " %" PRId64 " a window", change->per_window);
    if (change->concurrency >= 0) {
        stk_buf_addf(&text, "%s %" PRId64 " at a time", change->per_window >= 0 ? "," : "",
                     change->concurrency);
    }
    if (change->reason != NULL) stk_buf_addf(&text, ": %s", change->reason);
    const struct stk_event event = { .actor = change->call->request->actor,
                                     .text = stk_buf_str(&text) };
    return stk_store_event(store, STK_EVENT_LIMIT_SET, &event, now, err);
}

static enum stk_rc write_change(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    struct limit_change *change = arg;
    const char *actor = change->call->request->actor;
    STK_CLEANUP(stk_gates_release) struct stk_gates gates;
    struct stk_limit limit;
    int64_t in_use = 0;
    stk_gates_init(&gates, change->call->api->settings);
    enum stk_rc rc = stk_gate_limit(&gates, store, change->spec, &limit, &in_use, err);
    if (rc != STK_OK) return rc;

    if (change->clear) stk_limit_clear(&limit);
    if (change->per_window >= 0) limit.set_per_window = change->per_window;
    if (change->concurrency >= 0) limit.set_concurrency = change->concurrency;
    if (!change->clear) {
        (void)snprintf(limit.set_by, sizeof(limit.set_by), "%s", actor != NULL ? actor : "");
    }
    limit.changed_at = now;
    rc = stk_store_limit_set(store, &limit, err);
    if (rc == STK_OK) rc = add_event(store, change, &limit, now, err);
    if (rc != STK_OK) return rc;
    stk_json_freep(&change->shown); /* of a round that could not be made durable */
    change->shown = show_limit(&limit, change->spec, in_use, now);
    return STK_OK;
}

static enum stk_rc find_spec(const struct stk_call *call, const struct stk_limit_spec **ret,
                             struct stk_error *err)
{
    const struct stk_settings *settings = call->api->settings;
    *ret = stk_settings_limit(settings, call->arg);
    if (*ret != NULL) return STK_OK;

    const char *names[STK_LIMITS_MAX] = { 0 };
    for (size_t i = 0; i < settings->limit_count; i++) {
        names[i] = settings->limits[i].name;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(call->arg);
    const char *near = stk_nearest(call->arg, names, settings->limit_count);
    if (near == NULL) {
        return stk_fail(err, STK_NOT_FOUND, "stoker.yaml has no limit \"%s\"", shown);
    }
    return stk_fail(err, STK_NOT_FOUND, "stoker.yaml has no limit \"%s\"; did you mean \"%s\"?",
                    shown, near);
}

static enum stk_rc run_change(struct limit_change *change, json_t **ret, struct stk_error *err)
{
    enum stk_rc rc = stk_call_reason(change->call, &change->reason, err);
    if (rc == STK_OK) rc = stk_write(&change->call->api->access, write_change, change, err);
    if (rc == STK_OK) *ret = json_incref(change->shown);
    stk_json_freep(&change->shown);
    return rc;
}

enum stk_rc stk_api_limit_set(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct limit_change change = { .call = call, .per_window = -1, .concurrency = -1 };
    const json_t *body = call->request->body;
    enum stk_rc rc = find_spec(call, &change.spec, err);
    if (rc == STK_OK) rc = stk_json_get_int(body, "per_window", &change.per_window, err);
    if (rc == STK_OK) rc = stk_json_get_int(body, "concurrency", &change.concurrency, err);
    if (rc != STK_OK) return rc;

    if (change.per_window < 0 && change.concurrency < 0) {
        return stk_fail(err, STK_INVALID, "set per_window or concurrency, or both, to 0 or more");
    }
    if (change.per_window > INT32_MAX || change.concurrency > INT32_MAX) {
        return stk_fail(err, STK_INVALID, "per_window and concurrency go up to %d", INT32_MAX);
    }
    return run_change(&change, ret, err);
}

enum stk_rc stk_api_limit_clear(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct limit_change change = {
        .call = call, .clear = true, .per_window = -1, .concurrency = -1
    };
    enum stk_rc rc = find_spec(call, &change.spec, err);
    if (rc != STK_OK) return rc;
    return run_change(&change, ret, err);
}
