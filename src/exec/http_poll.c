/* SPDX-License-Identifier: MIT
 *
 * Polling, reading the result, and calling off. What could not be read says
 * nothing: neither that the job runs, nor that it has ended, least of all that
 * its result is empty.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_pointer.h"
#include "base/text.h"
#include "base/timetext.h"
#include "exec/http_phase.h"
#include "exec/http_verdict.h"
#include "exec/verdict.h"

enum {
    POLL_BYTES_MAX = 1024 * 1024,
    REFUSALS_MAX = 10,  /* polls that the authority refuses, in a row */
    SENSELESS_MAX = 20, /* answers that fit no condition, in a row */
    READS_MAX = 100,    /* of a result that is not there yet */
    CALLS_MAX = 5       /* tries to cancel */
};

static void fail(struct stk_http_turn *turn, enum stk_outcome outcome, const char *what)
{
    stk_verdict_say(turn->result, outcome, "%s: %s", what, turn->why);
}

/* --- the result ----------------------------------------------------------- */

static void complete(struct stk_http_turn *turn, const char *text, size_t len, bool is_text)
{
    struct stk_exec_result *result = turn->result;
    if (len > turn->job->task->result_bytes_max) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL,
                        "the result is longer than the task's limit of %zu bytes",
                        turn->job->task->result_bytes_max);
        return;
    }
    if (len > 0) stk_buf_add(&result->result, text, len);
    result->result_is_text = is_text;
    result->outcome = STK_OUTCOME_COMPLETED;
    result->exit_status = 0;
}

/* What was just read is the result, or the part of it that is asked for. */
static void take_result(struct stk_http_turn *turn)
{
    const struct stk_buf *body = &turn->reply->body;
    const char *pointer = turn->spec->result_pointer;
    if (pointer != NULL) {
        json_t *value = stk_json_at(turn->body, pointer);
        STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
        if (value == NULL) {
            stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL,
                            "completed, but the answer has no %s", pointer);
            return;
        }
        stk_json_add(&text, value);
        complete(turn, text.data, text.len, false);
    } else if (!stk_utf8_is_valid(stk_buf_str(body), body->len)) {
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL, "the result is not UTF-8 text");
    } else {
        complete(turn, body->data, body->len, turn->body == NULL);
    }
}

/* Not yet, or not readable: it is there, so it is asked for again. */
static void park_unread(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    if (remote->fails + 1 >= READS_MAX) {
        fail(turn, STK_OUTCOME_FAILED_FINAL, "completed, but the result cannot be read");
        return;
    }
    stk_http_park_unanswered(turn);
}

/* Blanks and null are what an authority says that has nothing yet; what calls
 * itself JSON and is none was cut on its way. */
static bool holds_result(const struct stk_http_turn *turn)
{
    char type[128];
    const char *body = stk_buf_str(&turn->reply->body);
    if (strspn(body, " \t\r\n") == turn->reply->body.len) return false;
    if (turn->body != NULL) return !json_is_null(turn->body);
    if (stk_http_reply_header(turn->reply, "content-type", 0, type, sizeof(type)) == NULL) {
        return true;
    }
    return strcasestr(type, "json") == NULL;
}

void stk_http_fetch(struct stk_http_turn *turn)
{
    size_t bytes_max = turn->job->task->result_bytes_max;
    turn->result->remote.phase = STK_REMOTE_FETCH;
    stk_http_ask(turn, &turn->spec->result, turn->result->remote.result, STK_LIMIT_CLASS_READ,
                 bytes_max);
    if (turn->meaning == STK_HTTP_TOO_LARGE) {
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL,
                        "the result is longer than the task's limit of %zu bytes", bytes_max);
        return;
    }
    if (stk_http_end_alike(turn)) return;
    if (turn->reply->status == 200 && holds_result(turn)) {
        take_result(turn);
    } else {
        park_unread(turn);
    }
}

/* --- what a poll says ----------------------------------------------------- */

/* Runnable time: see model/remote.h. A distance that a throttle or an outage
 * has made long counts as the longest that is ever planned. */
static stk_time_ns run_time(const struct stk_http_turn *turn, const struct stk_remote *remote)
{
    stk_time_ns longest = STK_MINUTE;
    if (turn->spec->every > longest) longest = turn->spec->every;
    if (turn->spec->first > longest) longest = turn->spec->first;
    if (remote->fails > 0) longest = turn->spec->every;
    stk_time_ns planned = remote->poll_at - remote->seen_at;
    if (planned > longest) planned = longest;
    stk_time_ns passed = turn->now - remote->seen_at;
    if (remote->seen_at == 0 || passed < 0 || planned < 0) return 0;
    return passed < 2 * planned ? passed : 2 * planned;
}

static void note_seen(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    remote->run_ns += run_time(turn, remote);
    remote->seen_at = turn->now;
    remote->fails = 0;
    remote->gone = false;
}

static void note_progress(struct stk_http_turn *turn)
{
    json_t *value =
        turn->spec->progress != NULL ? stk_json_at(turn->body, turn->spec->progress) : NULL;
    double share = json_is_number(value) ? json_number_value(value) : -1;
    if (share > 1 && share <= 100) share /= 100; /* said in percent */
    if (share >= 0 && share <= 1) turn->result->remote.progress = share;
}

static void end_completed(struct stk_http_turn *turn)
{
    struct stk_exec_result *result = turn->result;
    STK_CLEANUP(stk_freep) char *url = NULL;
    struct stk_error err = { 0 };
    if (turn->spec->result.url == NULL) {
        take_result(turn);
        return;
    }
    if (stk_http_address(turn, turn->spec->result.url, &url, &err) != STK_OK) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL,
                        "completed, but its result has no address: %s", err.text);
        return;
    }
    stk_buf_clear(&result->result_at);
    stk_buf_adds(&result->result_at, url);
    result->remote.result = stk_buf_str(&result->result_at);
    stk_http_fetch(turn);
}

static void end_failed(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    json_t *message =
        turn->spec->message != NULL ? stk_json_at(turn->body, turn->spec->message) : NULL;
    if (stk_json_add_plain(&text, message) && text.len > 0) {
        STK_CLEANUP(stk_buf_release) struct stk_buf shown = STK_BUF_INIT;
        stk_text_add_escaped(&shown, text.data, text.len);
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED, "failed at the authority: %s",
                        stk_buf_str(&shown));
        return;
    }
    fail(turn, STK_OUTCOME_FAILED, "failed at the authority");
}

/* --- over its time -------------------------------------------------------- */

/* "" when there is nothing to be said. */
static const char *try_cancel(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_freep) char *url = NULL;
    const struct stk_http_step *step = &turn->spec->cancel;
    if (step->url == NULL) return "; it may go on there, for its task has no cancel:";
    if (stk_http_address(turn, step->url, &url, NULL) != STK_OK) return "; it may go on there";
    stk_http_ask(turn, step, url, STK_LIMIT_CLASS_POLL, POLL_BYTES_MAX);
    bool is_over = turn->meaning == STK_HTTP_FINE || turn->meaning == STK_HTTP_GONE;
    return is_over ? ", cancelled at the authority" : "; it could not be cancelled there";
}

static void end_timed_out(struct stk_http_turn *turn)
{
    char limit[STK_DURATION_TEXT];
    stk_duration_text(turn->job->task->time_limit_ns, limit);
    const char *rest = try_cancel(turn);
    if (turn->meaning == STK_HTTP_STOPPED) {
        (void)stk_http_end_alike(turn); /* asked again, and then called off */
        return;
    }
    stk_verdict_say(turn->result, STK_OUTCOME_TIMED_OUT, "over its time limit of %s%s", limit,
                    rest);
}

static void end_running(struct stk_http_turn *turn)
{
    stk_time_ns limit = turn->job->task->time_limit_ns;
    note_progress(turn);
    if (limit > 0 && turn->result->remote.run_ns > limit) {
        end_timed_out(turn);
        return;
    }
    stk_http_park(turn, stk_http_next_poll(turn), NULL);
}

/* --- what a poll does not say --------------------------------------------- */

/* Two clients that read at once can make an authority say so of a living job. */
static void end_gone(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    if (remote->gone) {
        fail(turn, STK_OUTCOME_FAILED, "the authority no longer knows it");
        return;
    }
    remote->gone = true;
    stk_http_park(turn, stk_http_next_poll(turn), turn->why);
}

/* Polls that an outage left without an answer are counted too: so the last count
 * is confirmed, as with a job that is gone. */
static void end_after(struct stk_http_turn *turn, uint32_t most, const char *what)
{
    struct stk_remote *remote = &turn->result->remote;
    bool is_last = remote->fails + 1 >= most;
    if (is_last && remote->gone) {
        fail(turn, STK_OUTCOME_FAILED_FINAL, what);
        return;
    }
    remote->gone = is_last;
    stk_http_park_unanswered(turn);
}

/* A server that is down is asked for ever; one that answers, and says nothing
 * that the task knows, is not: its job would hold a slot for good. Whoever says
 * when to come back has said enough. */
static bool is_senseless(const struct stk_http_turn *turn)
{
    bool answered = turn->meaning == STK_HTTP_FINE || turn->meaning == STK_HTTP_REDIRECTED ||
                    turn->meaning == STK_HTTP_TOO_LARGE;
    return answered && !turn->hint.has_retry_after;
}

static bool is_running(const struct stk_http_turn *turn, const struct stk_http_answer *answer)
{
    if (turn->spec->running.given) return stk_http_condition_holds(&turn->spec->running, answer);
    return turn->meaning == STK_HTTP_FINE && answer->body != NULL;
}

void stk_http_poll(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_freep) char *url = NULL;
    struct stk_error err = { 0 };
    if (stk_http_address(turn, turn->spec->poll.url, &url, &err) != STK_OK) {
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL,
                        "submitted, but there is no address to ask at: %s", err.text);
        return;
    }
    stk_http_ask(turn, &turn->spec->poll, url, STK_LIMIT_CLASS_POLL, POLL_BYTES_MAX);
    turn->result->remote.polls++;
    if (stk_http_end_alike(turn)) return;

    const struct stk_http_answer answer = stk_http_answer_of(turn);
    bool is_completed = stk_http_condition_holds(&turn->spec->completed, &answer);
    bool is_failed = !is_completed && stk_http_condition_holds(&turn->spec->failed, &answer);
    bool runs = !is_completed && !is_failed && is_running(turn, &answer);
    if (is_completed || is_failed || runs) note_seen(turn);
    if (is_completed) {
        end_completed(turn);
    } else if (is_failed) {
        end_failed(turn);
    } else if (runs) {
        end_running(turn);
    } else if (turn->meaning == STK_HTTP_GONE) {
        end_gone(turn);
    } else if (turn->meaning == STK_HTTP_REFUSED) {
        end_after(turn, REFUSALS_MAX,
                  "submitted, but the authority refuses to say how it is getting on");
    } else if (is_senseless(turn)) {
        end_after(turn, SENSELESS_MAX,
                  "submitted, but the answers fit none of completed:, failed: and running:");
    } else {
        stk_http_park_unanswered(turn);
    }
}

/* --- called off ----------------------------------------------------------- */

static void end_call(struct stk_http_turn *turn)
{
    bool is_over = turn->meaning == STK_HTTP_FINE || turn->meaning == STK_HTTP_GONE;
    bool may_be_complete = turn->meaning == STK_HTTP_REFUSED;
    if (is_over) {
        stk_verdict_say(turn->result, STK_OUTCOME_CANCELLED, "cancelled at the authority");
    } else if (turn->result->remote.fails + 1 >= CALLS_MAX) {
        fail(turn, STK_OUTCOME_CANCELLED,
             "cancelled here; at the authority it could not be, and may go on");
    } else if (may_be_complete) {
        uint32_t fails = turn->result->remote.fails;
        stk_http_poll(turn);
        turn->result->remote.fails = fails + 1;
    } else {
        stk_http_park_unanswered(turn);
    }
}

void stk_http_call_off(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_freep) char *url = NULL;
    const struct stk_http_step *step = &turn->spec->cancel;
    struct stk_error err = { 0 };
    if (step->url == NULL) {
        stk_verdict_say(turn->result, STK_OUTCOME_CANCELLED,
                        "cancelled here; at the authority it may go on, for its task has no "
                        "cancel:");
        return;
    }
    if (stk_http_address(turn, step->url, &url, &err) != STK_OK) {
        stk_verdict_say(turn->result, STK_OUTCOME_CANCELLED,
                        "cancelled here; at the authority it may go on: %s", err.text);
        return;
    }
    stk_http_ask(turn, step, url, STK_LIMIT_CLASS_POLL, POLL_BYTES_MAX);
    if (!stk_http_end_alike(turn)) end_call(turn);
}
