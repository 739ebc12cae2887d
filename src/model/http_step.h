/* SPDX-License-Identifier: MIT
 *
 * http_step - one request of an http task, as stoker.yaml writes it; private to
 * src/model.
 *
 * Memory:  what is read belongs to the spec: stk_http_spec_free.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_STEP_H
#define STK_MODEL_HTTP_STEP_H

#include "model/http_task.h"

/* Where the keys of one step go. */
struct stk_http_step_reading {
    const struct stk_task *task;
    struct stk_http_spec *spec;
    struct stk_http_step *step;
    int holes;       /* of its texts, see model/http_template */
    int url_holes;   /* of its URL */
    bool starts_all; /* its URL must be absolute: nothing is known that it could start from */
};

STK_MUST_USE enum stk_rc stk_http_step_url(const struct stk_node *node, void *into,
                                           struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_step_method(const struct stk_node *node, void *into,
                                              struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_step_headers(const struct stk_node *node, void *into,
                                               struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_step_json(const struct stk_node *node, void *into,
                                            struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_step_body(const struct stk_node *node, void *into,
                                            struct stk_error *err);

/* A template, checked. */
STK_MUST_USE enum stk_rc stk_http_text(const struct stk_node *node, const struct stk_task *task,
                                       int holes, char **ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_pointer(const struct stk_node *node, char **ret,
                                          struct stk_error *err);

void stk_http_step_release(struct stk_http_step *step);

#endif
