/* SPDX-License-Identifier: MIT
 *
 * http_step - one step of a job at an authority; private to src/exec.
 *
 *   http.c          which step it is
 *   http_talk.c     one request, from its templates to its answer
 *   http_verdict.c  what an answer means
 *   http_submit.c   submitting, and looking for what may have been submitted
 *   http_poll.c     asking, fetching, cancelling
 *   http_end.c      the outcomes
 *
 * Threads: the worker's.
 */
#ifndef STK_EXEC_HTTP_STEP_H
#define STK_EXEC_HTTP_STEP_H

#include "base/http.h"
#include "exec/verdict.h"
#include "model/http_task.h"
#include "model/retry_after.h"

/* What has been asked of the runner meanwhile. */
enum stk_http_wish { STK_HTTP_GO_ON, STK_HTTP_CANCEL, STK_HTTP_STOP };

enum stk_http_said {
    STK_HTTP_OK,        /* 2xx */
    STK_HTTP_LOST,      /* the session is over */
    STK_HTTP_THROTTLED, /* come back later; step->signal says of which kind */
    STK_HTTP_REFUSED,   /* another 4xx */
    STK_HTTP_GONE,      /* 404, 410 */
    STK_HTTP_ELSEWHERE, /* a redirect that is not followed */
    STK_HTTP_TROUBLE,   /* 5xx, whole */
    STK_HTTP_UNSENT,    /* nothing has left this machine */
    STK_HTTP_NO_ANSWER, /* something has, and no answer came */
    STK_HTTP_TOO_LARGE,
    STK_HTTP_STOPPED /* by our own wish */
};

struct stk_http_step {
    const struct stk_exec_job *job;
    const struct stk_http_spec *spec;
    struct stk_exec_result *result;
    struct stk_http *http;
    enum stk_http_wish (*wish)(void *context);
    void *wish_context;
    stk_exec_line_fn line;
    void *line_context;
    json_t *params;
    struct stk_remote remote; /* as it is now; its texts are the job's or the result's */

    /* the request that goes out */
    const struct stk_http_ask *ask;
    char *url; /* absolute */
    struct stk_buf body, lines;
    struct stk_http_header headers[STK_HTTP_HEADERS_MAX];
    size_t header_count;

    /* what came back */
    struct stk_http_reply reply;
    json_t *answer; /* its body; NULL: no JSON */
    enum stk_rc rc; /* no answer: why, and err.text */
    struct stk_error err;
    struct stk_hint hint;
    stk_time_ns now; /* wall, when it came */
};
void stk_http_step_release(struct stk_http_step *step);

/* Fills in the templates. `url` NULL: the ask's own. STK_INVALID: it cannot be
 * made of what the job and the last answer have. */
STK_MUST_USE enum stk_rc stk_http_prepare(struct stk_http_step *step,
                                          const struct stk_http_ask *ask, const char *url,
                                          struct stk_error *err);
/* Sends what is prepared; a GET follows redirects that lead to no sign-in. The
 * result's signal is set. */
enum stk_http_said stk_http_send(struct stk_http_step *step, enum stk_limit_class class_,
                                 size_t bytes_max);

/* Of the reply in step, or of the lack of one. */
enum stk_http_said stk_http_judge(struct stk_http_step *step, enum stk_limit_class class_);
bool stk_http_leads_to_login(const struct stk_http_reply *reply);
/* "lab.example answered 429: CONCURRENT_LIMIT_EXCEEDED", or why there is no
 * answer; safe to show. */
char *stk_http_sentence(const struct stk_http_step *step);

/* --- outcomes ------------------------------------------------------------- */

/* When to ask next: as the answer said, or after `usual`. */
stk_time_ns stk_http_next(const struct stk_http_step *step, stk_time_ns usual);
/* The same when it did not go well, ever later. */
stk_time_ns stk_http_next_try(const struct stk_http_step *step);

/* The job stays with the authority, in step->remote; asked again at `poll_at`.
 * `why` NULL: all is well. */
void stk_http_park(struct stk_http_step *step, enum stk_remote_phase phase, stk_time_ns poll_at,
                   const char *why);
/* SESSION_LOST, THROTTLED, INTERRUPTED: what is known of it is kept. */
void stk_http_put_off(struct stk_http_step *step, enum stk_http_said said);
/* Whether it may have been accepted nobody knows: as `ambiguous:` says. */
void stk_http_ambiguous(struct stk_http_step *step, const char *why);
void stk_http_set_handle(struct stk_http_step *step, const char *handle);
/* A line on the worker's console. */
void stk_http_say(struct stk_http_step *step, const char *fmt, ...) STK_PRINTF(2, 3);

/* --- steps ---------------------------------------------------------------- */

void stk_http_submit_step(struct stk_http_step *step);
void stk_http_adopt_step(struct stk_http_step *step);
void stk_http_poll_step(struct stk_http_step *step);
void stk_http_fetch_step(struct stk_http_step *step);
void stk_http_cancel_step(struct stk_http_step *step);

#endif
