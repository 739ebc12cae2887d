/* SPDX-License-Identifier: MIT */
#include "store/ending.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

enum { EVENT_TEXT_BYTES_MAX = 1000 };

/* --- what becomes of it -------------------------------------------------- */

struct stk_settle stk_ending_heed(const struct stk_settle *settle, const struct stk_held *held)
{
    struct stk_settle heeded = *settle;
    bool stays = settle->to.state == STK_STATE_COMPLETED || settle->to.state == STK_STATE_RUNNING;
    if (held->cancel && !stays) {
        heeded.to.state = STK_STATE_CANCELLED;
        heeded.to.ready_at = STK_NEVER;
        heeded.to.held = NULL;
        heeded.to.note = NULL;
    }
    return heeded;
}

struct stk_settle stk_ending_fail(const struct stk_settle *settle, const char *why)
{
    struct stk_settle failed = *settle;
    failed.outcome = STK_OUTCOME_FAILED_FINAL;
    failed.to =
        (struct stk_transition){ .state = STK_STATE_FAILED, .ready_at = STK_NEVER, .counts = true };
    failed.result = NULL;
    failed.error = why;
    return failed;
}

/* --- texts --------------------------------------------------------------- */

/* At most len_max bytes, never half a character. */
static size_t cut_len(const char *text, size_t len_max)
{
    size_t len = strlen(text);
    return len <= len_max ? len : stk_utf8_cut(text, len_max);
}

const char *stk_ending_error(const struct stk_settle *settle, struct stk_buf *buf)
{
    const char *error = settle->error;
    bool is_final = settle->to.state == STK_STATE_FAILED || settle->to.state == STK_STATE_CANCELLED;
    if (error == NULL && is_final) error = stk_outcome_meaning(settle->outcome);
    if (error == NULL || settle->to.state == STK_STATE_COMPLETED) return NULL;

    const char *note = settle->to.note;
    size_t note_len = note != NULL ? strlen(note) + 3 : 0;
    assert(note_len < STK_ERROR_BYTES_MAX);
    stk_buf_clear(buf);
    stk_buf_add(buf, error, cut_len(error, STK_ERROR_BYTES_MAX - note_len));
    if (note != NULL) stk_buf_addf(buf, " (%s)", note);
    return stk_buf_str(buf);
}

/* A text as a JSON string; what is no UTF-8 is escaped first. */
static void make_json_string(struct stk_buf *buf, const char *text, size_t len)
{
    stk_buf_clear(buf);
    if (stk_utf8_is_valid(text, len)) {
        stk_json_add_string(buf, text, len);
        return;
    }
    struct stk_buf escaped = STK_BUF_INIT;
    stk_text_add_escaped(&escaped, text, len);
    stk_json_add_string(buf, stk_buf_str(&escaped), escaped.len);
    stk_buf_release(&escaped);
}

const char *stk_ending_result(const struct stk_settle *settle, struct stk_buf *buf, size_t *ret_len)
{
    *ret_len = settle->result_len;
    if (settle->result == NULL || !settle->result_is_text) return settle->result;
    make_json_string(buf, settle->result, settle->result_len);
    *ret_len = buf->len;
    return buf->data;
}

const char *stk_ending_tail(const struct stk_settle *settle, size_t *ret_len)
{
    *ret_len = 0;
    if (settle->tail == NULL) return NULL;
    const char *tail = stk_utf8_tail(settle->tail, settle->tail_len, STK_TAIL_BYTES_MAX);
    *ret_len = settle->tail_len - (size_t)(tail - settle->tail);
    return tail;
}

/* --- elsewhere ----------------------------------------------------------- */

/* A job parked for want of a pool or session, with nothing new known of it,
 * must not be claimed again at once, for ever. */
#define AGAIN_AFTER STK_MINUTE

stk_time_ns stk_ending_poll_at(const struct stk_settle *settle, bool cancel, stk_time_ns now)
{
    bool at_once = cancel || settle->outcome == STK_OUTCOME_INTERRUPTED;
    return at_once ? now : now + AGAIN_AFTER;
}

enum stk_rc stk_ending_fail_park(struct stk_error *err)
{
    return stk_fail(err, STK_CONFLICT, "no authority is known to have it");
}

enum stk_rc stk_ending_fail_note(int64_t job_id, struct stk_error *err)
{
    return stk_fail(err, STK_CONFLICT,
                    "job %lld must not be submitted: this attempt does not hold it, or the "
                    "authority has it already",
                    (long long)job_id);
}

/* --- history ------------------------------------------------------------- */

/* clang-format off */
/* What is kept of an attempt that ended so, besides the job's own row. */
static const struct {
    bool row;
    enum stk_event_kind event; /* STK_EVENT_COUNT_: none */
} kept[] = {
    [STK_OUTCOME_COMPLETED]    = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_FAILED]       = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_FAILED_FINAL] = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_TIMED_OUT]    = { true,  STK_EVENT_ATTEMPT_FAILED },
    [STK_OUTCOME_THROTTLED]    = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_SESSION_LOST] = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_INTERRUPTED]  = { true,  STK_EVENT_COUNT_ },
    [STK_OUTCOME_CANCELLED]    = { true,  STK_EVENT_COUNT_ },
    [STK_OUTCOME_UNKNOWN_TASK] = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_PARKED]       = { false, STK_EVENT_COUNT_ },
    [STK_OUTCOME_AMBIGUOUS]    = { true,  STK_EVENT_JOB_AMBIGUOUS },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(kept) == STK_OUTCOME_COUNT_, "one row per outcome");

/* One that runs goes on elsewhere, and one that completed is its job's own row. */
static bool has_history(const struct stk_settle *settle)
{
    return settle->to.state != STK_STATE_RUNNING && settle->to.state != STK_STATE_COMPLETED;
}

bool stk_ending_keeps_row(const struct stk_settle *settle)
{
    return has_history(settle) && kept[settle->outcome].row;
}

static enum stk_event_kind event_of(const struct stk_settle *settle)
{
    bool quarantined =
        settle->outcome == STK_OUTCOME_INTERRUPTED && settle->to.state == STK_STATE_FAILED;
    if (!has_history(settle)) return STK_EVENT_COUNT_;
    return quarantined ? STK_EVENT_JOB_QUARANTINED : kept[settle->outcome].event;
}

static enum stk_rc say(struct stk_store *store, enum stk_event_kind kind,
                       const struct stk_settle *settle, const struct stk_held *held,
                       const char *text, stk_time_ns now, struct stk_error *err)
{
    struct stk_event event = {
        .job_id = settle->id,
        .sweep_id = held->sweep_id,
        .pool_id = held->pool_id,
        .queue = held->queue,
        .text = text,
    };
    return stk_store_event(store, kind, &event, now, err);
}

enum stk_rc stk_ending_tell(struct stk_store *store, const struct stk_settle *settle,
                            const struct stk_held *held, const char *error, stk_time_ns now,
                            struct stk_error *err)
{
    enum stk_event_kind kind = event_of(settle);
    if (kind == STK_EVENT_COUNT_) return STK_OK;

    const char *said = error != NULL ? error : stk_outcome_meaning(settle->outcome);
    char text[EVENT_TEXT_BYTES_MAX + 64];
    (void)snprintf(text, sizeof(text), "attempt %lld %s: %.*s", (long long)held->attempt,
                   stk_outcome_name(settle->outcome), (int)cut_len(said, EVENT_TEXT_BYTES_MAX),
                   said);
    return say(store, kind, settle, held, text, now, err);
}

enum stk_rc stk_ending_tell_held(struct stk_store *store, const struct stk_settle *settle,
                                 const struct stk_held *held, stk_time_ns now,
                                 struct stk_error *err)
{
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "task %s is unknown to this pool: its jobs are held until a pool knows it",
                   held->task != NULL ? held->task : "?");
    return say(store, STK_EVENT_JOB_HELD, settle, held, text, now, err);
}

enum stk_rc stk_ending_refuse(struct stk_store *store, const struct stk_settle *settle,
                              stk_time_ns now, struct stk_error *err)
{
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "the answer \"%s\" was refused: that attempt does not hold the job",
                   stk_outcome_name(settle->outcome));
    struct stk_event event = { .job_id = settle->id, .text = text };
    return stk_store_event(store, STK_EVENT_ATTEMPT_LATE, &event, now, err);
}
