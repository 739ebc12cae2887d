/* SPDX-License-Identifier: MIT
 *
 * http_condition - what an answer must be like to mean something.
 *
 *   {pointer: /status, in: [COMPLETE, WARNING]}   {present: /result}
 *   {missing: /status}   {status: [200, 202]}     {header: Retry-After}
 *   {no_header: Retry-After}
 *
 * All that is given must hold. One that names no status is for answers of 200
 * to 299 only; one that looks into the body is never true of an answer that is
 * no JSON: what could not be read says nothing.
 *
 * Memory:  read fills, release frees what is inside.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_CONDITION_H
#define STK_MODEL_HTTP_CONDITION_H

#include "base/config.h"
#include "base/json.h"

enum { STK_HTTP_STATUSES_MAX = 16 };

struct stk_http_condition {
    bool given;
    char *pointer; /* or NULL, as the others */
    json_t *in;    /* with pointer: an array of texts */
    char *missing, *present;
    char *header, *no_header;
    int statuses[STK_HTTP_STATUSES_MAX];
    size_t status_count;
};

/* What is asked of one answer. */
struct stk_http_answer {
    int status;
    const char *headers; /* "name: value\n", names in lower case (base/http) */
    json_t *body;        /* NULL: it is no JSON */
};

STK_MUST_USE enum stk_rc stk_http_condition_read(const struct stk_node *node,
                                                 struct stk_http_condition *ret,
                                                 struct stk_error *err);
void stk_http_condition_release(struct stk_http_condition *condition);

/* False when it is not given. */
bool stk_http_condition_holds(const struct stk_http_condition *condition,
                              const struct stk_http_answer *answer);

#endif
