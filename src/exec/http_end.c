/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/redact.h"
#include "exec/http_step.h"

#define ASK_MIN         (1 * STK_SECOND)
#define ASK_MAX         (60 * STK_SECOND)
#define THROTTLED_USUAL (30 * STK_SECOND)
enum { DOUBLINGS_MAX = 16, LINE_BYTES = 512 };

/* --- when ----------------------------------------------------------------- */

static stk_time_ns now_of(const struct stk_http_step *step)
{
    return step->now != 0 ? step->now : stk_clock_now();
}

stk_time_ns stk_http_next(const struct stk_http_step *step, stk_time_ns usual)
{
    stk_time_ns wait = step->hint.retry_after_ns;
    if (!step->hint.has_retry_after || wait == 0) return now_of(step) + usual;
    if (wait < ASK_MIN) wait = ASK_MIN;
    return now_of(step) + (wait > ASK_MAX ? ASK_MAX : wait);
}

/* Jitter only adds: many jobs whose authority was down must not come at once. */
stk_time_ns stk_http_next_try(const struct stk_http_step *step)
{
    stk_time_ns wait = step->spec->every_ns;
    for (uint32_t i = 0; i < step->remote.fails && i < DOUBLINGS_MAX && wait < ASK_MAX; i++) {
        wait *= 2;
    }
    stk_time_ns most = step->spec->every_ns > ASK_MAX ? step->spec->every_ns : ASK_MAX;
    if (wait > most) wait = most;
    return stk_http_next(step, wait + wait / 1000 * stk_rand_below(200));
}

/* --- what is kept --------------------------------------------------------- */

static void copy(struct stk_buf *buf, const char *text, const char **ret)
{
    if (text == NULL || text == buf->data) return;
    stk_buf_clear(buf);
    stk_buf_adds(buf, text);
    *ret = stk_buf_str(buf);
}

static void keep(struct stk_http_step *step)
{
    copy(&step->result->handle, step->remote.handle, &step->remote.handle);
    copy(&step->result->result_at, step->remote.result, &step->remote.result);
    step->result->remote = step->remote;
}

void stk_http_set_handle(struct stk_http_step *step, const char *handle)
{
    copy(&step->result->handle, handle, &step->remote.handle);
}

void stk_http_park(struct stk_http_step *step, enum stk_remote_phase phase, stk_time_ns poll_at,
                   const char *why)
{
    step->remote.phase = phase;
    step->remote.poll_at = poll_at;
    keep(step);
    stk_verdict_say(step->result, STK_OUTCOME_PARKED, "%s", why != NULL ? why : "");
}

static void throttle(struct stk_http_step *step, const char *why)
{
    struct stk_exec_result *result = step->result;
    stk_time_ns now = now_of(step);
    bool has_limit = step->job->task->limit_count > 0; /* gives it its turn */
    result->until_said = step->hint.has_retry_after;
    result->until = has_limit ? 0 : now + THROTTLED_USUAL;
    if (result->until_said) result->until = now + step->hint.retry_after_ns;
    if (step->remote.phase != STK_REMOTE_NONE) {
        stk_time_ns next = stk_http_next_try(step);
        step->remote.poll_at = result->until > next ? result->until : next;
        keep(step);
    }
    stk_verdict_say(result, STK_OUTCOME_THROTTLED, "%s", why);
}

void stk_http_put_off(struct stk_http_step *step, enum stk_http_said said)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    if (said == STK_HTTP_THROTTLED) {
        throttle(step, why);
        return;
    }
    step->remote.poll_at = now_of(step);
    if (step->remote.phase != STK_REMOTE_NONE) keep(step);
    if (said == STK_HTTP_LOST) {
        stk_verdict_say(step->result, STK_OUTCOME_SESSION_LOST, "the session is over: %s", why);
    } else {
        stk_verdict_say(step->result, STK_OUTCOME_INTERRUPTED, "interrupted: its pool stopped");
    }
}

/* --- nobody knows --------------------------------------------------------- */

static void resubmit(struct stk_http_step *step, const char *why)
{
    bool stops = step->wish(step->wish_context) == STK_HTTP_STOP;
    enum stk_outcome outcome = stops ? STK_OUTCOME_INTERRUPTED : STK_OUTCOME_FAILED;
    stk_verdict_say(step->result, outcome, "%s; it may have been accepted, and is submitted again",
                    why);
}

void stk_http_ambiguous(struct stk_http_step *step, const char *why)
{
    step->remote = (struct stk_remote){ .progress = -1, .submitted_at = now_of(step) };
    switch (step->spec->ambiguous) {
    case STK_AMBIGUOUS_RESUBMIT: resubmit(step, why); return;
    case STK_AMBIGUOUS_ADOPT:
        stk_http_park(step, STK_REMOTE_ADOPTING, now_of(step) + step->spec->every_ns, why);
        return;
    case STK_AMBIGUOUS_QUARANTINE: break;
    }
    stk_verdict_say(step->result, STK_OUTCOME_AMBIGUOUS,
                    "%s; nobody knows whether it was accepted: look there, then stoker retry "
                    "%" PRId64,
                    why, step->job->id);
}

void stk_http_say(struct stk_http_step *step, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (len < 0 || step->line == NULL) return;
    size_t shown = (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1;
    (void)stk_redact(line, shown);
    step->line(step->line_context, STK_STREAM_STDOUT, line, shown);
}
