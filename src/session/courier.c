/* SPDX-License-Identifier: MIT */
#include "session/courier.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/timetext.h"

#define LATE (5 * STK_MINUTE)

struct stk_courier {
    struct stk_http *http;
    struct stk_program *program; /* or NULL */
};

static stk_channel_fn *const channels[] = {
    [STK_CHANNEL_HOOK] = stk_channel_hook,
    [STK_CHANNEL_WEBHOOK] = stk_channel_webhook,
    [STK_CHANNEL_MAIL] = stk_channel_mail,
};
_Static_assert(STK_ARRAY_LEN(channels) == STK_CHANNEL_COUNT_, "one row per kind");

struct stk_courier *stk_courier_new(struct stk_spawner *spawner)
{
    struct stk_courier *courier = stk_alloc(sizeof(*courier));
    courier->http = stk_http_new();
    courier->program = spawner != NULL ? stk_program_new(spawner) : NULL;
    return courier;
}

void stk_courier_free(struct stk_courier *courier)
{
    if (courier == NULL) return;
    stk_http_free(courier->http);
    if (courier->program != NULL) stk_program_free(courier->program);
    free(courier);
}

void stk_courier_cancel(struct stk_courier *courier)
{
    stk_http_cancel(courier->http);
    if (courier->program != NULL) stk_program_cancel(courier->program);
}

/* --- what is sent ----------------------------------------------------------- */

/* Links come from outside: escaped, they cannot move anybody's cursor. */
static void add_line(struct stk_buf *tail, const char *name, const json_t *facts)
{
    const char *value = json_string_value(json_object_get(facts, name));
    if (value == NULL) return;
    stk_buf_addf(tail, "\n%s: ", name);
    stk_text_add_escaped(tail, value, strlen(value));
}

static void add_late(struct stk_buf *tail, stk_time_ns at, stk_time_ns now)
{
    char text[STK_TIME_TEXT];
    if (now - at < LATE) return;
    stk_time_text(at, text);
    stk_buf_addf(tail, "\n(This is of %.16s UTC and could not be delivered before.)", text);
}

static json_t *make_facts(const struct stk_channel *channel, const struct stk_message *message)
{
    json_t *facts = NULL;
    const char *text = message->facts != NULL ? message->facts : "{}";
    if (stk_json_parse(text, strlen(text), &facts, NULL) != STK_OK) facts = json_object();
    if (!channel->link) {
        (void)json_object_del(facts, "link");
        (void)json_object_del(facts, "code");
    }
    return facts;
}

static void put(json_t *object, const char *name, const char *text)
{
    (void)json_object_set_new(object, name, text != NULL ? json_string(text) : json_null());
}

static char *make_json(const struct stk_message *message, json_t *facts)
{
    STK_CLEANUP(stk_json_freep) json_t *object = json_object();
    char at[STK_TIME_TEXT];
    stk_time_text(message->at, at);
    put(object, "event", message->event);
    put(object, "subject", message->subject);
    put(object, "key", message->key);
    put(object, "at", at);
    put(object, "text", message->text);
    (void)json_object_set(object, "facts", facts);
    return stk_json_text(object);
}

void stk_delivery_text(const struct stk_delivery *delivery, size_t len_max, struct stk_buf *ret)
{
    const char *text = delivery->message->text;
    size_t tail = strlen(delivery->tail);
    bool fits = tail < len_max / 2; /* a link that is cut is none */
    size_t room = fits ? len_max - tail : len_max;
    size_t len = strlen(text) <= room ? strlen(text) : stk_utf8_cut(text, room);
    stk_buf_add(ret, text, len);
    if (fits) stk_buf_adds(ret, delivery->tail);
}

enum stk_rc stk_courier_send(struct stk_courier *courier, const struct stk_channel *channel,
                             const struct stk_message *message, stk_time_ns now,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *facts = make_facts(channel, message);
    STK_CLEANUP(stk_freep) char *json = make_json(message, facts);
    STK_CLEANUP(stk_buf_release) struct stk_buf tail = STK_BUF_INIT;
    add_line(&tail, "link", facts);
    add_line(&tail, "code", facts);
    add_late(&tail, message->at, now);
    const struct stk_delivery delivery = {
        .channel = channel,
        .message = message,
        .tail = stk_buf_str(&tail),
        .json = json,
        .now = now,
        .http = courier->http,
        .program = courier->program,
    };
    struct stk_error cause = { 0 };
    enum stk_rc rc = channels[channel->kind](&delivery, &cause);
    if (rc == STK_OK) return STK_OK;
    (void)stk_redact(cause.text, strlen(cause.text));
    return stk_fail(err, rc, "%s", cause.text);
}
