/* SPDX-License-Identifier: MIT
 *
 * notify_value - readers of the values that notify.NAME may have and nothing else
 * in stoker.yaml has.
 *
 * Private to model/notify_config. Memory, threads and errors as in
 * model/session_value.h.
 */
#ifndef STK_MODEL_NOTIFY_VALUE_H
#define STK_MODEL_NOTIFY_VALUE_H

#include "model/notify_config.h"
#include "model/session_value.h"

stk_session_reader stk_channel_body;    /* char * */
stk_session_reader stk_channel_events;  /* char **: patterns that match some event */
stk_session_reader stk_channel_to;      /* char **: addresses */
stk_session_reader stk_channel_from;    /* char *: an address */
stk_session_reader stk_channel_server;  /* char *: "smtp://host:25" */
stk_session_reader stk_channel_headers; /* char **: "Name: value" */

/* Of the whole struct stk_channel: */
stk_session_reader stk_channel_quiet, stk_channel_zone, stk_channel_link, stk_channel_timeout;

/* "*" and "session.*" stand for several. */
bool stk_event_matches(const char *pattern, const char *event);

#endif
