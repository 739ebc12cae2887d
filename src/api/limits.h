/* SPDX-License-Identifier: MIT
 *
 * limits - the limits as JSON rows, for their own route, status and why.
 *
 * Private to api/.
 */
#ifndef STK_API_LIMITS_H
#define STK_API_LIMITS_H

#include "base/json.h"
#include "model/settings.h"
#include "store/store.h"

/* Adds one row for each limit of the settings: {"name", "class", "state",
 * "in_use", "concurrency", "interval_s", "quota", "used", "opens_in", "reason",
 * "set_by", "text"}. */
STK_MUST_USE enum stk_rc stk_limits_read(struct stk_store *store,
                                         const struct stk_settings *settings, stk_time_ns now,
                                         json_t *rows, struct stk_error *err);

/* Adds the sentence of the first limit that lets no more jobs of the queue
 * start now; nothing when there is none. */
STK_MUST_USE enum stk_rc stk_limits_why(struct stk_store *store,
                                        const struct stk_settings *settings, const char *queue,
                                        stk_time_ns now, struct stk_buf *ret_text,
                                        struct stk_error *err);

#endif
