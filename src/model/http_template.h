/* SPDX-License-Identifier: MIT
 *
 * http_template - texts of an http task with places to fill in.
 *
 *   {n}        a parameter of the job         {params}   all of them, as an object
 *   {/a/b}     JSON pointer into the answer   {handle}   what the submit was answered with
 *   {job}      the job's number, the same each time it is submitted
 *
 * In a URL what is filled in is escaped (%XX), but for a {handle} or {/pointer}
 * at its very start: that is an address. In JSON it is a value, or escaped when
 * it stands in a string. Elsewhere it stands as it is, and {{ is a brace; in
 * JSON a brace that begins no place is one.
 *
 * Memory:  fill adds to the caller's buffer.
 * Threads: pure.
 * Errors:  STK_INVALID naming what is missing, or wrong with the template.
 */
#ifndef STK_MODEL_HTTP_TEMPLATE_H
#define STK_MODEL_HTTP_TEMPLATE_H

#include "model/task.h"

enum stk_http_form { STK_HTTP_FORM_TEXT, STK_HTTP_FORM_URL, STK_HTTP_FORM_JSON };

/* What is there to be filled in. */
enum {
    STK_HTTP_HAS_PARAMS = 1, /* {params}, {job} and each parameter */
    STK_HTTP_HAS_HANDLE = 2,
    STK_HTTP_HAS_ANSWER = 4 /* {/pointer} */
};

struct stk_http_values {
    const json_t *params;
    int64_t job_id;
    const char *handle;
    const json_t *answer;
};

STK_MUST_USE enum stk_rc stk_http_template_check(const struct stk_task *task, const char *template,
                                                 enum stk_http_form form, unsigned has,
                                                 struct stk_error *err);
STK_MUST_USE enum stk_rc stk_http_template_fill(const char *template, enum stk_http_form form,
                                                const struct stk_http_values *values,
                                                struct stk_buf *buf, struct stk_error *err);

/* "{n}" alone: a template that is one place and nothing else. */
bool stk_http_template_is_place(const char *text);
/* {params}, {handle} and {job} mean something already. */
bool stk_http_name_is_taken(const char *name);

#endif
