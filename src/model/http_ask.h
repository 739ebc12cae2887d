/* SPDX-License-Identifier: MIT
 *
 * http_ask - one request of an http task, as stoker.yaml writes it.
 *
 *   {method: POST, url: "https://lab.example/jobs", json: "{params}"}
 *   {url: "{handle}"}
 *   {method: POST, url: ..., json: {kind: plain, n: "{n}"}, headers: {X-Run: "{job}"}}
 *   {method: PUT, url: ..., body: "n={n}"}
 *
 * The host is written out, or comes from the authority's own answer, never from
 * a parameter: who submits a job must not choose who sees the session.
 *
 * Memory:  read fills, stk_http_ask_release frees.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_ASK_H
#define STK_MODEL_HTTP_ASK_H

#include "base/config.h"
#include "model/http_template.h"

struct stk_http_field {
    char *name, *value; /* the value is a template */
};
struct stk_http_ask {
    char *method;
    char *url;  /* template; NULL: there is no such request */
    char *body; /* template; NULL: none */
    bool is_json;
    struct stk_http_field *headers;
    size_t header_count;
};

/* `method`: when it names none. `has`: what its templates may fill in; without a
 * handle the URL must be written out. */
STK_MUST_USE enum stk_rc stk_http_ask_read(const struct stk_node *node, const struct stk_task *task,
                                           const char *method, unsigned has,
                                           struct stk_http_ask *ask, struct stk_error *err);
void stk_http_ask_release(struct stk_http_ask *ask);

/* Reads and checks one template. */
STK_MUST_USE enum stk_rc stk_http_read_template(const struct stk_node *node,
                                                const struct stk_task *task,
                                                enum stk_http_form form, unsigned has, char **ret,
                                                struct stk_error *err);

#endif
