/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "exec/http_step.h"
#include "model/shown.h"

enum { LOOKS_MAX = 3, ANSWER_BYTES_MAX = 1024 * 1024, LIST_BYTES_MAX = 8 * 1024 * 1024 };

/* --- the handle ----------------------------------------------------------- */

static char *handle_of_header(const struct stk_http_step *step)
{
    char value[STK_HANDLE_BYTES_MAX + 1];
    char *url = NULL;
    const char *name = step->spec->handle_header;
    if (stk_http_reply_header(&step->reply, name, 0, value, sizeof(value)) == NULL) return NULL;
    if (*value == '\0' || stk_url_resolve(step->url, value, &url, NULL) != STK_OK) return NULL;
    return url;
}

static char *handle_of_value(const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0) {
        return stk_strdup(json_string_value(value));
    }
    return json_is_integer(value) ? stk_json_text(value) : NULL;
}

/* NULL: there is none that can be used. A cut one is none. */
static char *find_handle(const struct stk_http_step *step)
{
    const char *pointer = step->spec->handle_pointer;
    char *handle = NULL;
    if (pointer == NULL) {
        handle = handle_of_header(step);
    } else if (step->answer != NULL) {
        handle = handle_of_value(stk_json_at(step->answer, pointer));
    }
    if (handle != NULL && strlen(handle) >= STK_HANDLE_BYTES_MAX) stk_freep(&handle);
    return handle;
}

/* --- submitting ----------------------------------------------------------- */

static void accept(struct stk_http_step *step, const char *handle)
{
    step->remote =
        (struct stk_remote){ .submitted_at = step->now, .seen_at = step->now, .progress = -1 };
    stk_http_set_handle(step, handle);
    stk_http_say(step, "accepted as %s", handle);
    stk_http_park(step, STK_REMOTE_HANDLE, stk_http_next(step, step->spec->first_ns), NULL);
}

static void judge_accepted(struct stk_http_step *step)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    STK_CLEANUP(stk_freep) char *handle = find_handle(step);
    if (handle != NULL) {
        accept(step, handle);
        return;
    }
    const char *where =
        step->spec->handle_header != NULL ? step->spec->handle_header : step->spec->handle_pointer;
    STK_CLEANUP(stk_freep) char *text = stk_format("%s, without a handle in %s", why, where);
    stk_http_ambiguous(step, text);
}

static void fail(struct stk_http_step *step, enum stk_outcome outcome)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    if (step->hint.has_retry_after) step->result->until = step->now + step->hint.retry_after_ns;
    stk_verdict_say(step->result, outcome, "not accepted: %s", why);
}

/* What `accepted:` says goes before what the status usually means. */
static enum stk_http_said heed_condition(const struct stk_http_step *step, enum stk_http_said said)
{
    const struct stk_http_condition *accepted = &step->spec->accepted;
    bool may_be = step->rc == STK_OK && said != STK_HTTP_LOST && said != STK_HTTP_THROTTLED;
    if (!may_be || !accepted->is_set) return said;
    if (stk_http_condition_holds(accepted, &step->reply, step->answer)) return STK_HTTP_OK;
    return said == STK_HTTP_OK ? STK_HTTP_NO_ANSWER : said; /* none that tells anything */
}

static void judge_submit(struct stk_http_step *step, enum stk_http_said said)
{
    STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
    bool may_be_sent = step->reply.sent;
    switch (said) {
    case STK_HTTP_OK: judge_accepted(step); return;
    case STK_HTTP_LOST:
    case STK_HTTP_THROTTLED: stk_http_put_off(step, said); return;
    case STK_HTTP_GONE:
    case STK_HTTP_REFUSED:
    case STK_HTTP_ELSEWHERE: fail(step, STK_OUTCOME_FAILED_FINAL); return;
    case STK_HTTP_TROUBLE: fail(step, STK_OUTCOME_FAILED); return;
    case STK_HTTP_UNSENT:
        fail(step, step->rc == STK_INVALID ? STK_OUTCOME_FAILED_FINAL : STK_OUTCOME_FAILED);
        return;
    case STK_HTTP_STOPPED:
    case STK_HTTP_TOO_LARGE:
    case STK_HTTP_NO_ANSWER: break;
    }
    if (may_be_sent) {
        stk_http_ambiguous(step, why);
    } else {
        stk_http_put_off(step, STK_HTTP_STOPPED);
    }
}

/* 408 and 425 say by themselves: try again. */
static enum stk_http_said soften(const struct stk_http_step *step, enum stk_http_said said)
{
    bool may_try = step->reply.status == 408 || step->reply.status == 425;
    return said == STK_HTTP_REFUSED && may_try ? STK_HTTP_TROUBLE : said;
}

/* Durable before anything goes out. */
static bool note(struct stk_http_step *step)
{
    struct stk_error err = { 0 };
    const struct stk_exec_job *job = step->job;
    enum stk_rc rc = job->note_submit(job->note_context, &err);
    if (rc == STK_OK) return true;
    enum stk_outcome outcome = rc == STK_CONFLICT ? STK_OUTCOME_AMBIGUOUS : STK_OUTCOME_INTERRUPTED;
    stk_verdict_say(step->result, outcome, "not submitted: %s", err.text);
    return false;
}

void stk_http_submit_step(struct stk_http_step *step)
{
    struct stk_error err = { 0 };
    enum stk_http_wish wish = step->wish(step->wish_context);
    if (wish != STK_HTTP_GO_ON || step->job->cancel_requested) {
        bool is_cancel = wish != STK_HTTP_STOP;
        stk_verdict_say(step->result, is_cancel ? STK_OUTCOME_CANCELLED : STK_OUTCOME_INTERRUPTED,
                        "%s before it was submitted", is_cancel ? "cancelled" : "interrupted");
        return;
    }
    if (stk_http_prepare(step, &step->spec->submit, NULL, &err) != STK_OK) {
        stk_verdict_say(step->result, STK_OUTCOME_FAILED_FINAL, "could not make the request: %s",
                        err.text);
        return;
    }
    if (!note(step)) return;
    enum stk_http_said said = stk_http_send(step, STK_LIMIT_CLASS_SUBMIT, ANSWER_BYTES_MAX);
    judge_submit(step, soften(step, heed_condition(step, said)));
}

/* --- looking for it ------------------------------------------------------- */

static bool matches(const struct stk_http_step *step, const json_t *item)
{
    const struct stk_http_values values = { .params = step->params, .job_id = step->job->id };
    const struct stk_http_list *list = &step->spec->list;
    for (size_t i = 0; i < list->match_count; i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf wanted = STK_BUF_INIT;
        const json_t *value = stk_json_at(item, list->match[i].pointer);
        if (value == NULL) return false;
        STK_CLEANUP(stk_freep)
        char *text =
            json_is_string(value) ? stk_strdup(json_string_value(value)) : stk_json_text(value);
        if (stk_http_template_fill(list->match[i].value, STK_HTTP_FORM_TEXT, &values, &wanted,
                                   NULL) != STK_OK ||
            strcmp(text, stk_buf_str(&wanted)) != 0) {
            return false;
        }
    }
    return true;
}

/* The one item that fits; *ret_count: how many do. */
static const json_t *find_item(const struct stk_http_step *step, const json_t *items,
                               size_t *ret_count)
{
    const json_t *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (!matches(step, item)) continue;
        found = item;
        ++*ret_count;
    }
    return found;
}

static void adopt(struct stk_http_step *step, const json_t *item)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf handle = STK_BUF_INIT;
    struct stk_error err = { 0 };
    const struct stk_http_values values = { .params = step->params,
                                            .job_id = step->job->id,
                                            .answer = item };
    enum stk_rc rc =
        stk_http_template_fill(step->spec->list.handle, STK_HTTP_FORM_URL, &values, &handle, &err);
    if (rc != STK_OK || handle.len >= STK_HANDLE_BYTES_MAX) {
        stk_verdict_say(step->result, STK_OUTCOME_AMBIGUOUS,
                        "found in the list, but no handle can be made of it: %s", err.text);
        return;
    }
    stk_http_set_handle(step, stk_buf_str(&handle));
    step->remote.polls = step->remote.fails = 0;
    step->remote.seen_at = step->now;
    stk_http_say(step, "found again as %s", stk_buf_str(&handle));
    if (step->job->cancel_requested) {
        stk_http_cancel_step(step);
    } else {
        stk_http_park(step, STK_REMOTE_HANDLE, step->now + step->spec->every_ns, NULL);
    }
}

/* A list may be a little behind: only after some looks is it believed. */
static void judge_list(struct stk_http_step *step)
{
    size_t count = 0;
    const json_t *items = stk_json_at(step->answer, step->spec->list.pointer);
    const json_t *item = find_item(step, items, &count);
    step->remote.fails = 0;
    step->remote.polls++;
    if (count == 1) {
        STK_CLEANUP(stk_json_freep) json_t *own = json_deep_copy(item);
        adopt(step, own);
    } else if (count > 1) {
        stk_verdict_say(step->result, STK_OUTCOME_AMBIGUOUS,
                        "%zu entries of the list may be this job: look there, then stoker retry "
                        "%" PRId64,
                        count, step->job->id);
    } else if (step->remote.polls >= LOOKS_MAX) {
        stk_verdict_say(step->result, STK_OUTCOME_FAILED,
                        "it is not in the authority's list: it was not accepted");
    } else {
        stk_http_park(step, STK_REMOTE_ADOPTING, step->now + step->spec->every_ns, NULL);
    }
}

void stk_http_adopt_step(struct stk_http_step *step)
{
    struct stk_error err = { 0 };
    const struct stk_http_ask *ask = &step->spec->list.ask;
    if (ask->url == NULL || stk_http_prepare(step, ask, NULL, &err) != STK_OK) {
        stk_verdict_say(step->result, STK_OUTCOME_AMBIGUOUS,
                        "its task does not say any more where to look for it: look there, then "
                        "stoker retry %" PRId64,
                        step->job->id);
        return;
    }
    enum stk_http_said said = stk_http_send(step, STK_LIMIT_CLASS_POLL, LIST_BYTES_MAX);
    bool is_put_off =
        said == STK_HTTP_LOST || said == STK_HTTP_THROTTLED || said == STK_HTTP_STOPPED;
    if (is_put_off) {
        stk_http_put_off(step, said);
    } else if (said == STK_HTTP_OK &&
               json_is_array(stk_json_at(step->answer, step->spec->list.pointer))) {
        judge_list(step);
    } else {
        STK_CLEANUP(stk_freep) char *why = stk_http_sentence(step);
        step->remote.fails++;
        stk_http_park(step, STK_REMOTE_ADOPTING, stk_http_next_try(step), why);
    }
}
