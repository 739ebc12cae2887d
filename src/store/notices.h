/* SPDX-License-Identifier: MIT
 *
 * notices - what is to be said to people, at rest until it was delivered.
 *
 * Memory, Threads, Errors: as of store/store.h. What is given to a callback
 * borrows its strings until it returns.
 */
#ifndef STK_STORE_NOTICES_H
#define STK_STORE_NOTICES_H

#include "store/store.h"

struct stk_notice {
    int64_t id;
    stk_time_ns at;
    const char *event;   /* "session.expiring" */
    const char *subject; /* "session lab", or NULL */
    const char *key;     /* unique for ever: says each thing once ("lab/17/expiring/1h") */
    const char *text;    /* for people, one paragraph */
    const char *facts;   /* JSON object for programs */
    uint32_t tries;      /* of delivery, so far */
    stk_time_ns next_at; /* try again then; STK_NEVER: delivered or given up */
    const char *left;    /* JSON array: channels still to be served */
};
/* *ret_fresh false: that key was said already; nothing is added. */
STK_MUST_USE enum stk_rc stk_store_notice_add(struct stk_store *store,
                                              const struct stk_notice *notice, stk_time_ns now,
                                              bool *ret_fresh, struct stk_error *err);
typedef void (*stk_notice_fn)(void *context, const struct stk_notice *notice);
/* Those to be delivered now, oldest first; *ret_next: when the next one is due. */
STK_MUST_USE enum stk_rc stk_store_notices_due(struct stk_store *store, stk_time_ns now,
                                               size_t limit, stk_notice_fn each, void *context,
                                               stk_time_ns *ret_next, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_notice_tried(struct stk_store *store, int64_t id,
                                                const char *left, stk_time_ns next_at,
                                                struct stk_error *err);

#endif
