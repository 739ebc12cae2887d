/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "exec/http_step.h"
#include "model/shown.h"

/* Polls in a row whose answer cannot be understood; an authority that is down is
 * asked for ever. */
enum { SENSELESS_MAX = 20, CANCEL_TRIES_MAX = 5, EMPTY_MAX = 100, POLL_BYTES_MAX = 1024 * 1024 };

#define PLAN_MAX (60 * STK_SECOND)

/* --- putting off ---------------------------------------------------------- */

/* Nothing was learned of the job: it is asked again, ever later. */
static void try_again(struct stk_http_step *step, enum stk_remote_phase phase)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    step->remote.fails++;
    stk_http_park(step, phase, stk_http_next_try(step), why);
}

static void try_sensibly(struct stk_http_step *step, enum stk_remote_phase phase)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    if (step->remote.fails + 1 < SENSELESS_MAX) {
        try_again(step, phase);
        return;
    }
    stk_verdict_say(step->result, STK_OUTCOME_FAILED,
                    "%u answers in a row could not be understood (is it running: or completed: "
                    "that does not fit?): %s",
                    step->remote.fails + 1, why);
}

/* One answer may be a mistake of theirs; the second is believed. */
static void believe_gone(struct stk_http_step *step, enum stk_remote_phase phase)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    if (step->remote.gone) {
        stk_verdict_say(step->result, STK_OUTCOME_FAILED, "lost at the authority: %s, twice", why);
        return;
    }
    step->remote.gone = true;
    stk_http_park(step, phase, step->now + step->spec->every_ns, why);
}

/* True: the answer was none that tells of the job, and it is dealt with. */
static bool is_put_off(struct stk_http_step *step, enum stk_http_said said,
                       enum stk_remote_phase phase)
{
    step->remote.phase = phase;
    switch (said) {
    case STK_HTTP_OK: return false;
    case STK_HTTP_LOST:
    case STK_HTTP_THROTTLED:
    case STK_HTTP_STOPPED: stk_http_put_off(step, said); return true;
    case STK_HTTP_GONE: believe_gone(step, phase); return true;
    case STK_HTTP_REFUSED:
    case STK_HTTP_ELSEWHERE:
    case STK_HTTP_TOO_LARGE: try_sensibly(step, phase); return true;
    case STK_HTTP_TROUBLE:
    case STK_HTTP_UNSENT:
    case STK_HTTP_NO_ANSWER: break;
    }
    if (step->rc == STK_INVALID) {
        try_sensibly(step, phase);
    } else {
        try_again(step, phase);
    }
    return true;
}

static bool prepare(struct stk_http_step *step, const struct stk_http_ask *ask, const char *url)
{
    struct stk_error err = { 0 };
    if (stk_http_prepare(step, ask, url, &err) == STK_OK) return true;
    stk_verdict_say(step->result, STK_OUTCOME_FAILED_FINAL, "could not make the request: %s",
                    err.text);
    return false;
}

/* --- the result ----------------------------------------------------------- */

static bool is_empty(const struct stk_http_step *step)
{
    const struct stk_buf *body = &step->reply.body;
    return strspn(stk_buf_str(body), " \t\r\n") == body->len || json_is_null(step->answer);
}

static bool says_json(const struct stk_http_step *step)
{
    char type[128];
    const char *said = stk_http_reply_header(&step->reply, "content-type", 0, type, sizeof(type));
    return said != NULL && strstr(said, "json") != NULL;
}

static void complete(struct stk_http_step *step)
{
    struct stk_exec_result *result = step->result;
    stk_buf_add(&result->result, step->reply.body.data, step->reply.body.len);
    result->result_is_text = step->answer == NULL;
    result->exit_status = -1;
    result->outcome = STK_OUTCOME_COMPLETED;
}

static bool is_over_limit(struct stk_http_step *step)
{
    if (step->reply.body.len <= step->job->task->result_bytes_max) return false;
    stk_verdict_say(step->result, STK_OUTCOME_FAILED_FINAL,
                    "the result is over the result_limit of %zu bytes",
                    step->job->task->result_bytes_max);
    return true;
}

/* A result that is not there yet, or a broken one, is never stored as one. */
static void judge_result(struct stk_http_step *step)
{
    bool waits = is_empty(step) || step->reply.status == 202;
    step->remote.gone = false;
    if (!waits && (step->answer != NULL || !says_json(step))) {
        if (!is_over_limit(step)) complete(step);
        return;
    }
    if (!waits) {
        try_sensibly(step, STK_REMOTE_FETCH);
        return;
    }
    if (++step->remote.fails < EMPTY_MAX) {
        stk_http_park(step, STK_REMOTE_FETCH, stk_http_next(step, step->spec->every_ns), NULL);
        return;
    }
    stk_verdict_say(step->result, STK_OUTCOME_FAILED, "its result stays empty (asked %u times)",
                    step->remote.fails);
}

void stk_http_fetch_step(struct stk_http_step *step)
{
    size_t bytes_max = step->job->task->result_bytes_max;
    if (step->remote.result == NULL || !prepare(step, &step->spec->result, step->remote.result)) {
        return;
    }
    enum stk_http_said said = stk_http_send(step, STK_LIMIT_CLASS_READ, bytes_max);
    if (said == STK_HTTP_TOO_LARGE) {
        stk_verdict_say(step->result, STK_OUTCOME_FAILED_FINAL,
                        "the result is over the result_limit of %zu bytes", bytes_max);
    } else if (said == STK_HTTP_REFUSED) {
        STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
        stk_verdict_say(step->result, STK_OUTCOME_FAILED_FINAL, "its result is refused: %s", why);
    } else if (!is_put_off(step, said, STK_REMOTE_FETCH)) {
        judge_result(step);
    }
}

/* --- the end of a job there ----------------------------------------------- */

static void read_progress(struct stk_http_step *step)
{
    const json_t *value = stk_json_at(step->answer, step->spec->progress);
    double progress = json_is_number(value) ? json_number_value(value) : -1;
    if (progress > 1) progress /= 100; /* per cent */
    if (progress >= 0 && progress <= 1) step->remote.progress = progress;
}

/* See model/remote.h: what we did not ask in between costs the job nothing. */
static void count_run_time(struct stk_http_step *step)
{
    struct stk_remote *remote = &step->remote;
    stk_time_ns passed = step->now - remote->seen_at;
    stk_time_ns plan = remote->fails == 0 ? remote->poll_at - remote->seen_at : 0;
    stk_time_ns most = step->spec->every_ns > PLAN_MAX ? step->spec->every_ns : PLAN_MAX;
    if (plan < step->spec->every_ns) plan = step->spec->every_ns;
    if (plan > most) plan = most;
    if (remote->seen_at == 0 || passed < 0) passed = 0;
    remote->run_ns += passed < 2 * plan ? passed : 2 * plan;
    remote->seen_at = step->now;
    remote->polls++;
    remote->fails = 0;
    remote->gone = false;
}

static void finish(struct stk_http_step *step)
{
    if (step->spec->result.url == NULL) {
        if (is_empty(step)) {
            try_sensibly(step, STK_REMOTE_HANDLE);
        } else if (!is_over_limit(step)) {
            complete(step);
        }
        return;
    }
    if (!prepare(step, &step->spec->result, NULL)) return;
    STK_CLEANUP(stk_freep) char *url = stk_strdup(step->url);
    struct stk_buf *kept = &step->result->result_at;
    stk_buf_clear(kept);
    stk_buf_adds(kept, url);
    step->remote.result = stk_buf_str(kept);
    stk_http_fetch_step(step);
}

static void fail_there(struct stk_http_step *step)
{
    const json_t *message = stk_json_at(step->answer, step->spec->message);
    STK_CLEANUP(stk_freep)
    char *said =
        json_is_string(message) ? stk_shown(json_string_value(message)) : stk_http_sentence(step);
    stk_verdict_say(step->result, STK_OUTCOME_FAILED, "failed at the authority: %s", said);
}

/* Sends what the task says; *ret_said: how that was answered. */
static bool cancel_there(struct stk_http_step *step, enum stk_http_said *ret_said)
{
    struct stk_error err = { 0 };
    if (step->spec->cancel.url == NULL) return false;
    if (stk_http_prepare(step, &step->spec->cancel, NULL, &err) != STK_OK) return false;
    *ret_said = stk_http_send(step, STK_LIMIT_CLASS_POLL, POLL_BYTES_MAX);
    return true;
}

static bool is_ended_there(enum stk_http_said said)
{
    return said == STK_HTTP_OK || said == STK_HTTP_GONE;
}

static void time_out(struct stk_http_step *step)
{
    char limit[STK_DURATION_TEXT];
    enum stk_http_said said = STK_HTTP_NO_ANSWER;
    stk_duration_text(step->job->task->time_limit_ns, limit);
    bool is_cancelled = cancel_there(step, &said) && is_ended_there(said);
    stk_verdict_say(step->result, STK_OUTCOME_TIMED_OUT, "over its time limit of %s; %s", limit,
                    is_cancelled ? "cancelled at the authority"
                                 : "it may still run at the authority");
}

static void go_on(struct stk_http_step *step)
{
    stk_time_ns limit = step->job->task->time_limit_ns;
    double before = step->remote.progress;
    read_progress(step);
    count_run_time(step);
    if (limit > 0 && step->remote.run_ns > limit) {
        time_out(step);
        return;
    }
    if (step->remote.progress > before) {
        stk_http_say(step, "%.0f%% done", step->remote.progress * 100);
    }
    stk_http_park(step, STK_REMOTE_HANDLE, stk_http_next(step, step->spec->every_ns), NULL);
}

static void judge_poll(struct stk_http_step *step)
{
    const struct stk_http_spec *spec = step->spec;
    const struct stk_http_reply *reply = &step->reply;
    if (stk_http_condition_holds(&spec->completed, reply, step->answer)) {
        count_run_time(step);
        finish(step);
    } else if (stk_http_condition_holds(&spec->failed, reply, step->answer)) {
        fail_there(step);
    } else if (!spec->running.is_set ||
               stk_http_condition_holds(&spec->running, reply, step->answer)) {
        go_on(step);
    } else {
        try_sensibly(step, STK_REMOTE_HANDLE);
    }
}

void stk_http_poll_step(struct stk_http_step *step)
{
    size_t bytes_max = step->job->task->result_bytes_max;
    if (bytes_max < POLL_BYTES_MAX) bytes_max = POLL_BYTES_MAX;
    if (!prepare(step, &step->spec->poll, NULL)) return;
    enum stk_http_said said = stk_http_send(step, STK_LIMIT_CLASS_POLL, bytes_max);
    if (!is_put_off(step, said, STK_REMOTE_HANDLE)) judge_poll(step);
}

/* --- cancelling ----------------------------------------------------------- */

static void cancelled(struct stk_http_step *step, const char *note)
{
    stk_verdict_say(step->result, STK_OUTCOME_CANCELLED, "cancelled%s", note);
}

/* It would not be cancelled: perhaps since it has ended. A result that is there
 * is not thrown away. */
static void look_instead(struct stk_http_step *step)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    stk_http_poll_step(step);
    enum stk_outcome outcome = step->result->outcome;
    bool goes_on = outcome == STK_OUTCOME_PARKED && step->remote.phase == STK_REMOTE_HANDLE;
    if (!goes_on) return;
    step->result->remote.phase = STK_REMOTE_NONE;
    stk_verdict_say(step->result, STK_OUTCOME_CANCELLED,
                    "cancelled here; the authority goes on: %s", why);
}

static void try_cancel_again(struct stk_http_step *step, enum stk_http_said said)
{
    if (said == STK_HTTP_LOST || said == STK_HTTP_STOPPED) {
        stk_http_put_off(step, said);
        return;
    }
    if (step->remote.fails + 1 >= CANCEL_TRIES_MAX) {
        cancelled(step, " here; the authority could not be told, it may go on there");
        return;
    }
    if (said != STK_HTTP_THROTTLED) {
        try_again(step, STK_REMOTE_HANDLE);
        return;
    }
    step->remote.fails++;
    stk_http_put_off(step, said);
}

void stk_http_cancel_step(struct stk_http_step *step)
{
    enum stk_http_said said = STK_HTTP_NO_ANSWER;
    step->remote.phase = STK_REMOTE_HANDLE;
    if (!cancel_there(step, &said)) {
        cancelled(step, " here; its task has no cancel:, so it goes on at the authority");
    } else if (is_ended_there(said)) {
        cancelled(step, "");
    } else if (said == STK_HTTP_REFUSED) {
        look_instead(step);
    } else {
        try_cancel_again(step, said);
    }
}
