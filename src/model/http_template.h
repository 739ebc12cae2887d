/* SPDX-License-Identifier: MIT
 *
 * http_template - what of an http task's requests differs from job to job.
 *
 *   {n}         a parameter          {params}    all of them, as a JSON object
 *   {job}       the job's number     {handle}    what the authority calls it
 *   {/result}   JSON pointer into the answer that was read last
 *
 * In a URL what is filled in is percent-escaped, but for a {handle} or {/...}
 * that the URL begins with: that is an address. In a JSON body a text that is
 * nothing but one hole becomes the value itself, with its type.
 *
 * Memory:  values borrow; what is made is the caller's.
 * Threads: pure.
 * Errors:  STK_INVALID naming the hole.
 */
#ifndef STK_MODEL_HTTP_TEMPLATE_H
#define STK_MODEL_HTTP_TEMPLATE_H

#include "model/task.h"

/* Which holes a template may have besides {job} and parameters. */
enum { STK_HOLE_HANDLE = 1, STK_HOLE_POINTER = 2 };

struct stk_http_values {
    const struct stk_task *task;
    int64_t job_id;
    json_t *params;
    const char *handle; /* NULL: not known yet */
    json_t *body;       /* of the last answer, or NULL */
};

enum stk_http_place { STK_HTTP_IN_URL, STK_HTTP_IN_TEXT };

STK_MUST_USE enum stk_rc stk_http_template_check(const struct stk_task *task, const char *text,
                                                 int holes, struct stk_error *err);
/* The same for each text of a JSON document. */
STK_MUST_USE enum stk_rc stk_http_template_check_json(const struct stk_task *task, json_t *value,
                                                      int holes, struct stk_error *err);

/* Adds the filled template to `buf`. */
STK_MUST_USE enum stk_rc stk_http_render(const struct stk_http_values *values, const char *text,
                                         enum stk_http_place place, struct stk_buf *buf,
                                         struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_render_json(const struct stk_http_values *values, json_t *value,
                                              json_t **ret, struct stk_error *err);

#endif
