/* SPDX-License-Identifier: MIT
 *
 * The channels that bring notices to people, and whether they work.
 */
#include <string.h>

#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/text.h"
#include "model/notice.h"
#include "model/shown.h"
#include "session/courier.h"

/* --- the list --------------------------------------------------------------- */

static json_t *show_events(const struct stk_channel *channel)
{
    json_t *events = json_array();
    for (size_t i = 0; channel->events != NULL && channel->events[i] != NULL; i++) {
        (void)json_array_append_new(events, stk_show_text(channel->events[i]));
    }
    if (channel->events == NULL) (void)json_array_append_new(events, json_string("*"));
    return events;
}

static json_t *show_channel(const struct stk_channel *channel, stk_time_ns now)
{
    json_t *shown = json_object();
    stk_put(shown, "name", stk_show_text(channel->name));
    stk_put(shown, "kind", stk_show_text(stk_channel_kind_name(channel->kind)));
    stk_put(shown, "body", stk_show_text(channel->body));
    stk_put(shown, "events", show_events(channel));
    stk_put(shown, "quiet", json_boolean(stk_channel_is_quiet(channel, now)));
    return shown;
}

enum stk_rc stk_api_notify(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    const struct stk_settings *settings = call->api->settings;
    json_t *rows = json_array();
    (void)err;
    for (size_t i = 0; i < settings->channel_count; i++) {
        json_t *shown = show_channel(&settings->channels[i], call->request->now);
        (void)json_array_append_new(rows, shown);
    }
    *ret = json_object();
    stk_put(*ret, "channels", rows);
    return STK_OK;
}

/* --- a test ----------------------------------------------------------------- */

static enum stk_rc fail_unknown(const struct stk_settings *settings, const char *name,
                                struct stk_error *err)
{
    const char *names[STK_CHANNELS_MAX] = { 0 };
    for (size_t i = 0; i < settings->channel_count; i++) {
        names[i] = settings->channels[i].name;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    const char *near = stk_nearest(name, names, settings->channel_count);
    if (near == NULL) {
        return stk_fail(err, STK_NOT_FOUND,
                        "stoker.yaml has no channel \"%s\" under notify:", shown);
    }
    return stk_fail(err, STK_NOT_FOUND,
                    "stoker.yaml has no channel \"%s\" under notify:; did you mean \"%s\"?", shown,
                    near);
}

static json_t *send_test(const struct stk_call *call, struct stk_courier *courier,
                         const struct stk_channel *channel)
{
    STK_CLEANUP(stk_notices_release) struct stk_notices notices = { .count = 0 };
    stk_time_ns now = call->request->now;
    struct stk_error why = { 0 };
    stk_notices_of_test(call->request->actor, now, &notices);
    const struct stk_notice_due *due = &notices.list[0];
    const struct stk_message message = {
        .event = stk_notice_name(due->kind),
        .subject = stk_buf_str(&due->subject),
        .key = stk_buf_str(&due->key),
        .text = stk_buf_str(&due->text),
        .facts = stk_buf_str(&due->facts),
        .at = now,
    };
    enum stk_rc rc = stk_courier_send(courier, channel, &message, now, &why);
    json_t *shown = show_channel(channel, now);
    stk_put(shown, "ok", json_boolean(rc == STK_OK));
    stk_put(shown, "error", stk_show_text(rc == STK_OK ? NULL : why.text));
    return shown;
}

/* Filters do not count: what was asked for is sent. */
enum stk_rc stk_api_notify_test(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    const struct stk_settings *settings = call->api->settings;
    const char *name = NULL;
    enum stk_rc rc = stk_json_get_string(call->request->body, "channel", &name, err);
    if (rc != STK_OK) return rc;
    if (name != NULL && stk_settings_channel(settings, name) == NULL) {
        return fail_unknown(settings, name, err);
    }

    struct stk_pool *pool = call->api->pool;
    struct stk_courier *courier =
        stk_courier_new(pool != NULL ? stk_pool_spawner(pool) : call->api->spawner);
    json_t *rows = json_array();
    for (size_t i = 0; i < settings->channel_count; i++) {
        const struct stk_channel *channel = &settings->channels[i];
        if (name != NULL && strcmp(name, channel->name) != 0) continue;
        (void)json_array_append_new(rows, send_test(call, courier, channel));
    }
    stk_courier_free(courier);
    *ret = json_object();
    stk_put(*ret, "channels", rows);
    return STK_OK;
}
