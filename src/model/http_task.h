/* SPDX-License-Identifier: MIT
 *
 * http_task - what stoker.yaml says of a task that runs at an authority.
 *
 *   http:
 *     submit: {method: POST, url: "https://lab.example/simulations", json: "{params}"}
 *     handle: {header: Location}              # or {pointer: /id}
 *     poll: {url: "{handle}", every: 5s}      # a Retry-After of the authority wins
 *     running: {missing: /status}             # default: whatever is JSON and not the others
 *     completed: {pointer: /status, in: [COMPLETE]}
 *     failed: {pointer: /status, in: [ERROR, CANCELLED]}
 *     result: {url: "https://lab.example/results/{/result}"}
 *     cancel: {method: DELETE, url: "{handle}"}
 *     ambiguous: quarantine                   # or resubmit, or adopt with list:
 *     list: {url: "https://lab.example/me/tasks", pointer: /results, match: {/name: "n{job}"},
 *            handle: "/tasks/{/id}"}
 *
 * Addresses that are not absolute start from that of submit. What a template may
 * hold stands in model/http_template, what a condition is in http_condition.
 *
 * Memory:  part of struct stk_task, whose release frees it.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_TASK_H
#define STK_MODEL_HTTP_TASK_H

#include "model/http_condition.h"
#include "model/remote.h"
#include "model/task.h"

enum { STK_HTTP_STEP_HEADERS_MAX = 32, STK_HTTP_MATCH_MAX = 8, STK_HTTP_REDIRECTS_MAX = 10 };

/* One request, its texts templates. */
struct stk_http_step {
    char *url; /* NULL: there is no such step */
    char *method;
    char **headers; /* name, value, name, value, NULL; or NULL */
    json_t *json;   /* or NULL */
    char *body;     /* or NULL; never beside json */
};

/* A pointer into an entry of the list, and what must be there. */
struct stk_http_match {
    char *pointer;
    char *text; /* template */
};

struct stk_http_spec {
    struct stk_http_step submit, poll, result, cancel, list;
    char *handle_header, *handle_pointer; /* one of both */
    struct stk_http_condition completed, failed, running, lost;
    char *progress, *message, *result_pointer;       /* JSON pointers, or NULL */
    stk_time_ns every;                               /* default 5 s */
    stk_time_ns first;                               /* until the first poll; 0: as every */
    stk_time_ns timeout_ns;                          /* of one request; default 30 s */
    uint32_t redirects;                              /* followed of a GET; default none */
    char *lost_marker, *slots_marker, *quota_marker; /* in a body; or NULL */
    char *ca_file;                                   /* absolute; NULL: the system's */
    enum stk_ambiguous ambiguous;
    char *list_pointer; /* to the array; "" the body itself */
    struct stk_http_match matches[STK_HTTP_MATCH_MAX];
    size_t match_count;
    char *list_handle; /* template, of one entry */
};

/* The key `http:` of a task whose name, dir and parameters are known; fills
 * task->http. */
STK_MUST_USE enum stk_rc stk_http_task_read(const struct stk_node *node, struct stk_task *task,
                                            struct stk_error *err);
void stk_http_spec_free(struct stk_http_spec *spec);

#endif
