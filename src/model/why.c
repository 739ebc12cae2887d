/* SPDX-License-Identifier: MIT */
#include "model/why.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/shown.h"

enum { REASON_BYTES_MAX = 200 };

static void add_line(struct stk_buf *buf, const char *before, const char *text)
{
    if (text == NULL || *text == '\0') return;
    stk_buf_adds(buf, before);
    stk_shown_add(buf, text, strlen(text), REASON_BYTES_MAX);
}

static void add_duration(struct stk_buf *buf, const char *before, stk_time_ns duration,
                         const char *after)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(duration > 0 ? duration : 0, text); /* clocks of machines differ */
    stk_buf_addf(buf, "%s%s%s", before, text, after);
}

static void add_time(struct stk_buf *buf, const char *before, stk_time_ns time)
{
    char text[STK_TIME_TEXT];
    stk_time_text(time, text);
    stk_buf_addf(buf, "%s%s", before, text);
}

/* A job retried by a person may be past its maximum: then only the number. */
static void add_attempt(struct stk_buf *buf, const char *before, const struct stk_why_facts *facts)
{
    if (facts->attempt == 0) return;
    stk_buf_addf(buf, "%sattempt %" PRIu32, before, facts->attempt);
    if (facts->attempt <= facts->attempts_max)
        stk_buf_addf(buf, " of %" PRIu32, facts->attempts_max);
}

static void add_ahead(struct stk_buf *buf, const struct stk_why_facts *facts)
{
    if (facts->ahead < 0) return;
    if (facts->ahead == 0 && !facts->ahead_is_more) {
        stk_buf_adds(buf, "; it is the next one of its queue");
        return;
    }
    bool is_one = facts->ahead == 1 && !facts->ahead_is_more;
    stk_buf_addf(buf, "; %s%" PRId64 " %s in front of it", facts->ahead_is_more ? "more than " : "",
                 facts->ahead, is_one ? "job is" : "jobs are");
}

/* Each says its sentence, or returns false when it is not the reason. */

static bool say_final(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    if (!stk_state_is_final(facts->state)) return false;
    bool is_done = facts->state == STK_STATE_COMPLETED;

    stk_buf_adds(buf, stk_state_name(facts->state));
    if (facts->finished_at != STK_NEVER) {
        add_time(buf, " at ", facts->finished_at);
        add_duration(buf, " (", now - facts->finished_at, " ago)");
    }
    add_attempt(buf, ", ", facts);
    if (!is_done) add_line(buf, ": ", facts->error);
    if (!is_done && facts->id > 0) {
        stk_buf_addf(buf, "; try it again with: stoker retry %" PRId64, facts->id);
    }
    return true;
}

/* What runs elsewhere holds no worker between two polls. */
static void say_remote(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    const struct stk_remote *remote = facts->remote;
    bool is_done = remote->phase == STK_REMOTE_FETCH;
    bool is_lost = remote->phase == STK_REMOTE_ADOPTING;
    stk_buf_adds(buf, is_done   ? "finished at the authority, its result is still to be read"
                      : is_lost ? "running, if the authority took it: it is looked for in its list"
                                : "running at the authority");
    add_duration(buf, " since ", now - remote->submitted_at, "");
    if (remote->progress >= 0) stk_buf_addf(buf, ", %.0f %% done", remote->progress * 100);
    if (facts->worker != NULL) {
        add_line(buf, ", being asked by ", facts->worker);
    } else if (facts->session == NULL) {
        add_duration(buf, ", asked again in ", remote->poll_at - now, "");
    }
    if (remote->fails > 0)
        stk_buf_addf(buf, " (%" PRIu32 " times without an answer)", remote->fails);
    if (facts->session != NULL) add_line(buf, "; it is not asked now: ", facts->session);
    if (facts->cancel_requested) stk_buf_adds(buf, "; it is being cancelled there");
}

static bool say_running(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    if (facts->state != STK_STATE_RUNNING) return false;
    if (facts->remote != NULL && facts->remote->phase != STK_REMOTE_SUBMITTING) {
        say_remote(facts, now, buf);
        return true;
    }

    stk_buf_adds(buf, "running");
    add_line(buf, " on ", facts->worker);
    if (facts->started_at != STK_NEVER) add_duration(buf, " for ", now - facts->started_at, "");
    add_attempt(buf, ", ", facts);
    if (facts->lost_since > 0) {
        add_duration(buf, "; its pool has not been heard of for ", now - facts->lost_since,
                     facts->pools > 0 ? ": another gives it back"
                                      : ", and no other is running: start one with: stoker up");
    }
    if (facts->cancel_requested) stk_buf_adds(buf, "; it is being stopped: a person cancelled it");
    return true;
}

static bool say_cancel_asked(const struct stk_why_facts *facts, stk_time_ns now,
                             struct stk_buf *buf)
{
    (void)now;
    if (!facts->cancel_requested) return false;
    stk_buf_adds(buf, "a person cancelled it: it will not be started again");
    return true;
}

static bool say_held(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    bool is_unnamed = facts->held == NULL && facts->ready_at == STK_NEVER;
    if (facts->held == NULL && !is_unnamed) return false;

    if (is_unnamed) {
        stk_buf_adds(buf, "held, and no reason is recorded: this is a bug in stoker");
    } else if (strcmp(facts->held, "unknown_task") == 0) {
        add_line(buf, "held: this pool's stoker.yaml has no task \"", facts->task);
        stk_buf_adds(buf, "\"; it goes on by itself when a pool knows the task");
    } else {
        add_line(buf, "held: ", facts->held);
    }
    return true;
}

static bool say_no_pool(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    if (facts->pools > 0) return false;
    stk_buf_adds(buf, "no pool is running: start one with: stoker up");
    return true;
}

static bool say_pool_paused(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    if (facts->pool_pause == NULL) return false;
    stk_buf_adds(buf, "the pool has paused itself");
    add_line(buf, ": ", facts->pool_pause);
    stk_buf_adds(buf, "; it goes on by itself when that is over");
    return true;
}

static bool say_queue_paused(const struct stk_why_facts *facts, stk_time_ns now,
                             struct stk_buf *buf)
{
    (void)now;
    if (!facts->queue_paused) return false;
    const char *reason = facts->queue_reason;
    bool is_by = reason != NULL && strncmp(reason, "by ", 3) == 0;

    add_line(buf, "queue \"", facts->queue);
    stk_buf_adds(buf, "\" is paused");
    add_line(buf, is_by ? " " : ": ", reason);
    add_line(buf, "; resume it with: stoker queue resume ", facts->queue);
    return true;
}

static bool say_not_due(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    if (facts->ready_at <= now) return false;

    add_time(buf, "waits until ", facts->ready_at);
    add_duration(buf, " (in ", facts->ready_at - now, ")");
    if (facts->attempt > 0 && facts->error != NULL) {
        add_attempt(buf, " to be tried again: ", facts);
        stk_buf_adds(buf, " failed");
        add_line(buf, ": ", facts->error);
    } else if (facts->throttles > 0) {
        stk_buf_addf(buf, ": it was told to come back later (%" PRIu32 " so far)",
                     facts->throttles);
    } else {
        stk_buf_adds(buf, ": that is when it was asked to start");
    }
    return true;
}

static bool say_session(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    if (facts->session == NULL) return false;
    add_line(buf, "waits: ", facts->session);
    add_ahead(buf, facts);
    return true;
}

static bool say_gate(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    if (facts->gate == NULL) return false;
    add_line(buf, "waits for ", facts->gate);
    add_ahead(buf, facts);
    return true;
}

static void add_pools(struct stk_buf *buf, const struct stk_why_facts *facts)
{
    if (facts->pools > 1) stk_buf_addf(buf, " of %" PRIu32 " pools", facts->pools);
}

static bool say_no_worker(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    if (facts->workers_busy < facts->workers) return false;

    if (facts->workers == 0) {
        stk_buf_adds(buf, "no running pool has a worker: start one with: stoker up");
    } else if (facts->workers == 1) {
        stk_buf_adds(buf, "the only worker is busy");
    } else {
        stk_buf_addf(buf, "all %" PRIu32 " workers", facts->workers);
        add_pools(buf, facts);
        stk_buf_adds(buf, " are busy");
    }
    add_ahead(buf, facts);
    return true;
}

static bool say_any_moment(const struct stk_why_facts *facts, stk_time_ns now, struct stk_buf *buf)
{
    (void)now;
    uint32_t free_now = facts->workers - facts->workers_busy;
    stk_buf_addf(buf, "starts any moment: %" PRIu32 " of %" PRIu32 " workers", free_now,
                 facts->workers);
    add_pools(buf, facts);
    stk_buf_adds(buf, free_now == 1 ? " is free" : " are free");
    add_ahead(buf, facts);
    return true;
}

/* In the order in which a reader would look; the last one always speaks. */
static bool (*const reasons[])(const struct stk_why_facts *, stk_time_ns, struct stk_buf *) = {
    say_final,        say_running, say_cancel_asked, say_held, say_no_pool,   say_pool_paused,
    say_queue_paused, say_not_due, say_session,      say_gate, say_no_worker, say_any_moment,
};

void stk_why_sentence(const struct stk_why_facts *facts, stk_time_ns now, char *ret_text,
                      size_t size)
{
    assert(facts != NULL && ret_text != NULL && size > 0);

    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    for (size_t i = 0; i < STK_ARRAY_LEN(reasons); i++) {
        if (reasons[i](facts, now, &buf)) break;
    }

    size_t len = buf.len < size ? buf.len : stk_utf8_cut(stk_buf_str(&buf), size - 1);
    memcpy(ret_text, stk_buf_str(&buf), len);
    ret_text[len] = '\0';
}
