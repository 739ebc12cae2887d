/* SPDX-License-Identifier: MIT
 *
 * queues - the queues as JSON rows, for their own route and for status.
 *
 * Private to api/.
 */
#ifndef STK_API_QUEUES_H
#define STK_API_QUEUES_H

#include "base/json.h"
#include "model/settings.h"
#include "store/store.h"

/* Adds {"queue", "paused", "reason", "by"} for each queue of the store, then for
 * those that only the settings know. */
STK_MUST_USE enum stk_rc stk_queues_read(struct stk_store *store,
                                         const struct stk_settings *settings, json_t *rows,
                                         struct stk_error *err);

#endif
