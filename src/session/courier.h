/* SPDX-License-Identifier: MIT
 *
 * courier - brings one message to one channel: a program, a webhook, a mail.
 *
 * Memory:  new makes, free ends. Messages are borrowed.
 * Threads: one delivery at a time per courier; stk_courier_cancel from any.
 * Errors:  why it did not arrive, without a secret, a secret address or a query in
 *          the text. STK_BUSY: cancelled. Nothing is tried twice here.
 */
#ifndef STK_SESSION_COURIER_H
#define STK_SESSION_COURIER_H

#include "base/http.h"
#include "exec/program.h"
#include "model/notify_config.h"

struct stk_message {
    const char *event, *subject, *key, *text; /* "session.expiring", "session lab" */
    const char *facts;                        /* a JSON object; link and code stand here */
    stk_time_ns at;                           /* when it became true */
};

struct stk_courier;

/* spawner NULL: no hook can be run. */
struct stk_courier *stk_courier_new(struct stk_spawner *spawner);
void stk_courier_free(struct stk_courier *courier);

STK_MUST_USE enum stk_rc stk_courier_send(struct stk_courier *courier,
                                          const struct stk_channel *channel,
                                          const struct stk_message *message, stk_time_ns now,
                                          struct stk_error *err);
/* Ends the delivery under way and each later one. */
void stk_courier_cancel(struct stk_courier *courier);

/* --- for the channels (session/channels/) ----------------------------------- */

struct stk_delivery {
    const struct stk_channel *channel;
    const struct stk_message *message;
    const char *tail; /* lines below the text: link, code, that it is late; or "" */
    const char *json; /* the whole as one JSON object, for programs */
    stk_time_ns now;
    struct stk_http *http;
    struct stk_program *program; /* NULL: none can be run */
};
typedef enum stk_rc stk_channel_fn(const struct stk_delivery *delivery, struct stk_error *err);
stk_channel_fn stk_channel_hook, stk_channel_webhook, stk_channel_mail;

/* Text and tail, of at most len_max bytes: it is the text that is cut. */
void stk_delivery_text(const struct stk_delivery *delivery, size_t len_max, struct stk_buf *ret);

#endif
