/* SPDX-License-Identifier: MIT
 *
 * request - one call being answered: what its path, query and body say.
 *
 * Private to api/. A route names the query parameters and the members of the
 * body that it takes (api/routes.c); whatever else comes is refused before the
 * handler runs, so that a misspelt filter never answers with everything.
 *
 * Memory:  a struct stk_call borrows the request; stk_call_release frees what
 *          was decoded. Texts it hands out live as long as it does.
 * Threads: one at a time.
 * Errors:  STK_INVALID naming the parameter and what it may be.
 */
#ifndef STK_API_REQUEST_H
#define STK_API_REQUEST_H

#include "api/who.h"

enum { STK_QUERY_MAX = 16, STK_REASON_BYTES_MAX = 400 };

struct stk_query_item {
    char *name, *value; /* decoded */
};

struct stk_call {
    const struct stk_api *api;
    const struct stk_request *request;
    char *arg; /* what stands in the path for ":id" or ":name", decoded; or NULL */
    struct stk_query_item query[STK_QUERY_MAX];
    size_t query_count;
    struct stk_who who;
};

/* Answers one route. *ret is a new reference. */
typedef enum stk_rc (*stk_handler)(const struct stk_call *call, json_t **ret,
                                   struct stk_error *err);

/* "%2F" becomes "/". A plus stays a plus. */
STK_MUST_USE enum stk_rc stk_call_set_arg(struct stk_call *call, const char *text, size_t len,
                                          struct stk_error *err);
/* Decodes request->query; names[] (ended by NULL) are the parameters it may hold. */
STK_MUST_USE enum stk_rc stk_call_set_query(struct stk_call *call, const char *const *names,
                                            struct stk_error *err);
void stk_call_release(struct stk_call *call);

/* Parameters of the query. An absent one leaves *ret as it was. */
const char *stk_call_text(const struct stk_call *call, const char *name); /* NULL: absent */
STK_MUST_USE enum stk_rc stk_call_int(const struct stk_call *call, const char *name, int64_t min,
                                      int64_t max, int64_t *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_call_bool(const struct stk_call *call, const char *name, bool *ret,
                                       struct stk_error *err);
STK_MUST_USE enum stk_rc stk_call_duration(const struct stk_call *call, const char *name,
                                           stk_time_ns max, stk_time_ns *ret,
                                           struct stk_error *err);
/* `limit`: 1 to STK_PAGE_MAX. */
STK_MUST_USE enum stk_rc stk_call_limit(const struct stk_call *call, size_t *ret,
                                        struct stk_error *err);

/* A number, or "last", which gives 0. `what` is "job" or "sweep". */
STK_MUST_USE enum stk_rc stk_id_or_last(const char *text, const char *what, int64_t *ret,
                                        struct stk_error *err);

/* The body's `reason`: NULL when it says none. */
STK_MUST_USE enum stk_rc stk_call_reason(const struct stk_call *call, const char **ret,
                                         struct stk_error *err);
/* The body's `priority`, in the range that the store keeps. */
STK_MUST_USE enum stk_rc stk_call_priority(const struct stk_call *call, int32_t *ret,
                                           bool *ret_given, struct stk_error *err);

#endif
