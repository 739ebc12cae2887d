/* SPDX-License-Identifier: MIT
 *
 * http_talk - one request of a job, and what its answer means; private to
 * src/exec.
 *
 * Memory:  a turn borrows everything but `body` and `origin`, which
 *          stk_http_turn_release ends.
 * Threads: the worker's.
 */
#ifndef STK_EXEC_HTTP_TALK_H
#define STK_EXEC_HTTP_TALK_H

#include "base/http.h"
#include "exec/exec.h"
#include "model/http_task.h"
#include "model/http_template.h"
#include "model/retry_after.h"

enum stk_http_meaning {
    STK_HTTP_STOPPED,    /* by stk_http_cancel */
    STK_HTTP_UNSENT,     /* no answer, and nothing has left this machine */
    STK_HTTP_UNANSWERED, /* no answer, but the request may have arrived */
    STK_HTTP_TOO_LARGE,  /* an answer, over the limit */
    STK_HTTP_IMPOSSIBLE, /* the request could not be made */
    STK_HTTP_LOST,       /* the session is over, or was never */
    STK_HTTP_THROTTLED,
    STK_HTTP_FINE,       /* 200 to 299 */
    STK_HTTP_REDIRECTED, /* 300 to 399 */
    STK_HTTP_GONE,       /* 404, 410 */
    STK_HTTP_REFUSED,    /* the other 400 to 499 */
    STK_HTTP_BROKEN      /* 500 to 599 */
};

/* One run of a job. */
struct stk_http_turn {
    const struct stk_exec_job *job;
    const struct stk_http_spec *spec;
    struct stk_exec_result *result;
    struct stk_http *http;
    struct stk_http_reply *reply;
    stk_exec_line_fn line;
    void *context;
    json_t *params;
    char *origin; /* the address that submits, which others start from */

    /* of the last answer */
    enum stk_http_meaning meaning;
    json_t *body; /* NULL: it is no JSON */
    struct stk_hint hint;
    stk_time_ns now;
    char why[320]; /* a sentence for people, safe to show */
};

/* STK_INVALID: the job's parameters do not fill the address that submits. */
STK_MUST_USE enum stk_rc stk_http_turn_init(struct stk_http_turn *turn, struct stk_error *err);
void stk_http_turn_release(struct stk_http_turn *turn);

struct stk_http_values stk_http_values_of(const struct stk_http_turn *turn);
/* The step's address, filled in and absolute; free() ends it. */
STK_MUST_USE enum stk_rc stk_http_address(const struct stk_http_turn *turn, const char *template,
                                          char **ret, struct stk_error *err);

/* Sends the step's request to `url`, and fills what stands under "of the last
 * answer" as well as result->signal. An answer's body is at most bytes_max. */
void stk_http_ask(struct stk_http_turn *turn, const struct stk_http_step *step, const char *url,
                  enum stk_limit_class class_, size_t bytes_max);
/* What the answer is judged by. */
struct stk_http_answer stk_http_answer_of(const struct stk_http_turn *turn);

#endif
