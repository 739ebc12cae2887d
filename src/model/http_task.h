/* SPDX-License-Identifier: MIT
 *
 * http_task - what stoker.yaml says of a task that runs at an authority.
 *
 *   http:
 *     submit: {method: POST, url: "https://lab.example/simulations", json: "{params}"}
 *     handle: {header: Location}                  or {pointer: /id}
 *     poll: {url: "{handle}", every: 5s, first: 30s}
 *     running: {missing: /status}
 *     completed: {pointer: /status, in: [COMPLETE]}
 *     failed: {pointer: /status, in: [ERROR, FAIL]}
 *     result: {url: "https://lab.example/results/{/result}"}
 *     cancel: {method: DELETE, url: "{handle}"}
 *     ambiguous: quarantine                       or resubmit; or adopt, with
 *     list: {url: "https://lab.example/simulations", pointer: /items,
 *            match: {/n: "{n}"}, handle: "{/id}"}
 *
 * Memory:  read makes (also after an error), stk_http_spec_free frees.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_TASK_H
#define STK_MODEL_HTTP_TASK_H

#include "model/http_ask.h"
#include "model/http_condition.h"
#include "model/remote.h"

enum { STK_HTTP_MATCHES_MAX = 8 };

struct stk_http_match {
    char *pointer, *value; /* the value is a template */
};
struct stk_http_list {
    struct stk_http_ask ask;
    char *pointer; /* to the array; "" is the answer itself */
    char *handle;  /* template over an item */
    struct stk_http_match match[STK_HTTP_MATCHES_MAX];
    size_t match_count;
};

struct stk_http_spec {
    struct stk_http_ask submit, poll, result, cancel; /* url NULL: none */
    struct stk_http_condition accepted; /* not set: any 2xx; a handle is needed besides */
    char *handle_header, *handle_pointer;
    stk_time_ns every_ns, first_ns;
    struct stk_http_condition running, completed, failed;
    char *progress, *message; /* JSON pointers into a poll's body */
    struct stk_http_list list;
    enum stk_ambiguous ambiguous;
    int lost_status[STK_HTTP_CHOICES_MAX]; /* besides 401 */
    size_t lost_status_count;
    char **lost_marker, **slots_marker, **quota_marker; /* texts in a body; NULL at the end */
    stk_time_ns timeout_ns;                             /* of one request */
    char *ca_file;                                      /* or NULL: the system's */
};

/* `task` has its name and parameters; `dir` is what relative paths start from. */
STK_MUST_USE enum stk_rc stk_http_spec_read(const struct stk_node *node, const char *dir,
                                            struct stk_task *task, struct stk_error *err);
void stk_http_spec_free(struct stk_http_spec *spec);

#endif
