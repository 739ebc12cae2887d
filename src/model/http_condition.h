/* SPDX-License-Identifier: MIT
 *
 * http_condition - whether an answer looks so.
 *
 *   {pointer: /status, in: [COMPLETE, WARNING]}   {status: [200, 201]}
 *   {missing: /status}    {present: /result}      {header: X-State, in: [done]}
 *
 * All that is given must hold; `header` alone: it is there.
 *
 * Memory:  read fills, stk_http_condition_release frees.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_HTTP_CONDITION_H
#define STK_MODEL_HTTP_CONDITION_H

#include "base/config.h"
#include "base/http.h"
#include "base/json.h"

enum { STK_HTTP_CHOICES_MAX = 64 };

struct stk_http_condition {
    bool is_set;
    char *pointer, *missing, *present, *header; /* or NULL */
    char **in;                                  /* NULL at the end; or NULL */
    int status[STK_HTTP_CHOICES_MAX];
    size_t status_count;
};

STK_MUST_USE enum stk_rc stk_http_condition_read(const struct stk_node *node,
                                                 struct stk_http_condition *condition,
                                                 struct stk_error *err);
void stk_http_condition_release(struct stk_http_condition *condition);

/* `body`: of the reply, NULL: it is no JSON. One that is not set never holds. */
bool stk_http_condition_holds(const struct stk_http_condition *condition,
                              const struct stk_http_reply *reply, const json_t *body);

/* [200, 201] or 200. */
STK_MUST_USE enum stk_rc stk_http_read_statuses(const struct stk_node *node, int *ret,
                                                size_t *ret_count, struct stk_error *err);
/* "/status", as a new text in *ret. */
STK_MUST_USE enum stk_rc stk_http_read_pointer(const struct stk_node *node, char **ret,
                                               struct stk_error *err);
/* [a, b] or a, NULL at the end. */
STK_MUST_USE enum stk_rc stk_http_read_texts(const struct stk_node *node, char ***ret,
                                             struct stk_error *err);
void stk_http_texts_free(char **texts);

#endif
