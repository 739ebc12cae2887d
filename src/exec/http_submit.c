/* SPDX-License-Identifier: MIT
 *
 * Submitting, and what follows when nobody knows whether that worked. Nothing
 * here tries twice in one run, and a request goes out only once the store has
 * noted it: a pool that dies in between leaves a job that is known to be
 * ambiguous.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_pointer.h"
#include "base/text.h"
#include "exec/http_phase.h"
#include "exec/http_verdict.h"
#include "exec/verdict.h"

enum { SUBMIT_BYTES_MAX = 1024 * 1024, LIST_BYTES_MAX = 16 * 1024 * 1024, LOOKS_MAX = 3 };

/* --- nobody knows --------------------------------------------------------- */

static void quarantine(struct stk_http_turn *turn, const char *what)
{
    stk_verdict_say(turn->result, STK_OUTCOME_AMBIGUOUS,
                    "nobody knows whether the authority accepted it (%s): look there, then "
                    "stoker retry %" PRId64,
                    what, turn->job->id);
}

static void end_ambiguous(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    switch (turn->spec->ambiguous) {
    case STK_AMBIGUOUS_QUARANTINE: quarantine(turn, turn->why); return;
    case STK_AMBIGUOUS_RESUBMIT:
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED,
                        "perhaps accepted, and by its task's wish submitted again: %s", turn->why);
        return;
    case STK_AMBIGUOUS_ADOPT:
        *remote = (struct stk_remote){ .phase = STK_REMOTE_ADOPTING,
                                       .submitted_at = turn->now,
                                       .progress = -1 };
        stk_http_park(turn, turn->now + turn->spec->every, turn->why);
        return;
    }
}

/* --- submit --------------------------------------------------------------- */

static bool find_handle(struct stk_http_turn *turn)
{
    char place[STK_HANDLE_BYTES_MAX + 2];
    const struct stk_http_spec *spec = turn->spec;
    if (spec->handle_header != NULL) {
        return stk_http_keep_handle(
            turn, stk_http_reply_header(turn->reply, spec->handle_header, 0, place, sizeof(place)));
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    (void)stk_json_add_plain(&text, stk_json_at(turn->body, spec->handle_pointer));
    return stk_http_keep_handle(turn, stk_buf_str(&text));
}

static void end_accepted(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    stk_time_ns sent_at = turn->reply->sent_at;
    if (!find_handle(turn)) {
        end_ambiguous(turn);
        return;
    }
    remote->submitted_at = sent_at > 0 ? sent_at : turn->now;
    remote->seen_at = turn->now;
    remote->progress = -1;
    bool waits_first = turn->spec->first > 0 && !turn->hint.has_retry_after;
    stk_http_park(turn, waits_first ? turn->now + turn->spec->first : stk_http_next_poll(turn),
                  NULL);
}

/* These statuses say that the request may be tried again as it is. */
static bool is_passing(int status)
{
    return status == 408 || status == 425;
}

/* A gateway that had no answer, or none in time, does not know what became of the
 * request: the authority may have taken it and then hung up. */
static bool is_gateway_at_a_loss(int status)
{
    return status == 502 || status == 504;
}

static void end_refused(struct stk_http_turn *turn)
{
    bool passes = is_passing(turn->reply->status);
    stk_verdict_say(turn->result, passes ? STK_OUTCOME_FAILED : STK_OUTCOME_FAILED_FINAL, "%s",
                    turn->why);
}

static void end_failed(struct stk_http_turn *turn)
{
    if (turn->hint.has_retry_after) {
        turn->result->until = turn->now + turn->hint.retry_after_ns;
    }
    stk_verdict_say(turn->result, STK_OUTCOME_FAILED, "%s", turn->why);
}

static void end_submit(struct stk_http_turn *turn)
{
    switch (turn->meaning) {
    case STK_HTTP_FINE: end_accepted(turn); return;
    case STK_HTTP_UNANSWERED:
    case STK_HTTP_TOO_LARGE:
    case STK_HTTP_REDIRECTED: end_ambiguous(turn); return;
    case STK_HTTP_GONE:
    case STK_HTTP_REFUSED: end_refused(turn); return;
    case STK_HTTP_BROKEN:
        if (is_gateway_at_a_loss(turn->reply->status)) {
            end_ambiguous(turn);
        } else {
            end_failed(turn);
        }
        return;
    case STK_HTTP_UNSENT: end_failed(turn); return;
    case STK_HTTP_STOPPED:
        if (turn->reply->sent) {
            end_ambiguous(turn);
            return;
        }
        (void)stk_http_end_alike(turn);
        return;
    case STK_HTTP_IMPOSSIBLE:
    case STK_HTTP_LOST:
    case STK_HTTP_THROTTLED: (void)stk_http_end_alike(turn); return;
    }
}

void stk_http_submit(struct stk_http_turn *turn)
{
    const struct stk_exec_job *job = turn->job;
    struct stk_error err = { 0 };
    if (job->note_submit(job->note_context, &err) != STK_OK) {
        stk_verdict_say(turn->result, STK_OUTCOME_INTERRUPTED, "not submitted: %s", err.text);
        return;
    }
    stk_http_ask(turn, &turn->spec->submit, turn->origin, STK_LIMIT_CLASS_SUBMIT, SUBMIT_BYTES_MAX);
    end_submit(turn);
}

/* --- adopt ---------------------------------------------------------------- */

static bool fits(const struct stk_http_turn *turn, json_t *entry)
{
    struct stk_http_values values = stk_http_values_of(turn);
    for (size_t i = 0; i < turn->spec->match_count; i++) {
        const struct stk_http_match *match = &turn->spec->matches[i];
        STK_CLEANUP(stk_buf_release) struct stk_buf wanted = STK_BUF_INIT;
        STK_CLEANUP(stk_buf_release) struct stk_buf found = STK_BUF_INIT;
        enum stk_rc rc = stk_http_render(&values, match->text, STK_HTTP_IN_TEXT, &wanted, NULL);
        if (rc != STK_OK) return false;
        if (!stk_json_add_plain(&found, stk_json_at(entry, match->pointer))) return false;
        if (strcmp(stk_buf_str(&wanted), stk_buf_str(&found)) != 0) return false;
    }
    return true;
}

static size_t find_entry(const struct stk_http_turn *turn, json_t *entries, json_t **ret)
{
    size_t found = 0;
    json_t *entry = NULL;
    size_t i = 0;
    json_array_foreach(entries, i, entry)
    {
        if (!fits(turn, entry)) continue;
        found++;
        *ret = entry;
    }
    return found;
}

static bool adopt_entry(struct stk_http_turn *turn, json_t *entry)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    struct stk_http_values values = stk_http_values_of(turn);
    values.body = entry;
    if (turn->spec->list_handle == NULL) {
        (void)stk_json_add_plain(&text, stk_json_at(entry, turn->spec->handle_pointer));
    } else if (stk_http_render(&values, turn->spec->list_handle, STK_HTTP_IN_URL, &text, NULL) !=
               STK_OK) {
        return false;
    }
    return stk_http_keep_handle(turn, stk_buf_str(&text));
}

/* A list may lag behind, so one look is not enough; and one that does not name
 * the job proves nothing: it may be cut short. */
static void end_look(struct stk_http_turn *turn, json_t *entries)
{
    json_t *entry = NULL;
    struct stk_remote *remote = &turn->result->remote;
    size_t found = find_entry(turn, entries, &entry);
    remote->polls++;
    remote->fails = 0;
    if (found > 1) {
        quarantine(turn, "several entries of the authority's list match it");
    } else if (found == 1 && adopt_entry(turn, entry)) {
        remote->polls = 0;
        remote->seen_at = turn->now;
        stk_http_park(turn, turn->now, NULL);
    } else if (remote->polls < LOOKS_MAX) {
        stk_http_park(turn, stk_http_next_poll(turn), "looked for in the authority's list");
    } else {
        quarantine(turn, "it is not in the authority's list");
    }
}

void stk_http_adopt(struct stk_http_turn *turn)
{
    STK_CLEANUP(stk_freep) char *url = NULL;
    struct stk_error err = { 0 };
    const struct stk_http_spec *spec = turn->spec;
    bool has_list = spec->list.url != NULL; /* stoker.yaml may have changed since */
    if (!has_list || stk_http_address(turn, spec->list.url, &url, &err) != STK_OK) {
        quarantine(turn, has_list ? err.text : "its task has no list: any more");
        return;
    }
    stk_http_ask(turn, &spec->list, url, STK_LIMIT_CLASS_POLL, LIST_BYTES_MAX);
    if (stk_http_end_alike(turn)) return;

    json_t *entries = stk_json_at(turn->body, spec->list_pointer);
    if (turn->meaning == STK_HTTP_FINE && json_is_array(entries)) {
        end_look(turn, entries);
    } else {
        stk_http_park_unanswered(turn);
    }
}
