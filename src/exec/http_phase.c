/* SPDX-License-Identifier: MIT */
#include "exec/http_phase.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exec/http_verdict.h"
#include "exec/verdict.h"

#define BACKOFF_MAX_NS      (5 * STK_MINUTE)
#define THROTTLE_DEFAULT_NS (5 * STK_SECOND)

static bool is_known(const struct stk_remote *remote)
{
    return remote->phase != STK_REMOTE_NONE && remote->phase != STK_REMOTE_SUBMITTING;
}

static void end_throttled(struct stk_http_turn *turn)
{
    struct stk_exec_result *result = turn->result;
    bool said = turn->hint.has_retry_after;
    stk_time_ns wait = said ? turn->hint.retry_after_ns : THROTTLE_DEFAULT_NS;
    result->until_said = said;
    result->until = turn->now + (wait > STK_SECOND ? wait : STK_SECOND);
    if (is_known(&result->remote)) result->remote.poll_at = result->until;
    stk_verdict_say(result, STK_OUTCOME_THROTTLED, "%s", turn->why);
}

/* The gate keeps it from being asked again before its session is good. */
static void end_lost(struct stk_http_turn *turn)
{
    if (is_known(&turn->result->remote)) {
        turn->result->remote.poll_at = turn->now + turn->spec->every;
    }
    stk_verdict_say(turn->result, STK_OUTCOME_SESSION_LOST, "%s", turn->why);
}

bool stk_http_end_alike(struct stk_http_turn *turn)
{
    if (turn->meaning == STK_HTTP_STOPPED) {
        turn->result->remote.poll_at = turn->now;
        stk_verdict_say(turn->result, STK_OUTCOME_INTERRUPTED, "interrupted: its pool stopped");
    } else if (turn->meaning == STK_HTTP_IMPOSSIBLE) {
        stk_verdict_say(turn->result, STK_OUTCOME_FAILED_FINAL, "%s", turn->why);
    } else if (turn->meaning == STK_HTTP_LOST) {
        end_lost(turn);
    } else if (turn->meaning == STK_HTTP_THROTTLED) {
        end_throttled(turn);
    } else {
        return false;
    }
    return true;
}

void stk_http_park(struct stk_http_turn *turn, stk_time_ns poll_at, const char *why)
{
    turn->result->remote.poll_at = poll_at;
    stk_verdict_say(turn->result, STK_OUTCOME_PARKED, "%s", why != NULL ? why : "");
}

void stk_http_park_unanswered(struct stk_http_turn *turn)
{
    struct stk_remote *remote = &turn->result->remote;
    stk_time_ns wait = turn->spec->every;
    for (uint32_t i = 0; i < remote->fails && wait < BACKOFF_MAX_NS; i++) {
        wait *= 2;
    }
    if (wait > BACKOFF_MAX_NS && turn->spec->every < BACKOFF_MAX_NS) wait = BACKOFF_MAX_NS;
    if (turn->hint.has_retry_after) wait = stk_http_next_poll(turn) - turn->now;
    remote->fails++;
    stk_http_park(turn, turn->now + wait, turn->why);
}

static bool fail_handle(struct stk_http_turn *turn, const char *why)
{
    (void)snprintf(turn->why, sizeof(turn->why), "%s", why);
    return false;
}

bool stk_http_keep_handle(struct stk_http_turn *turn, const char *text)
{
    struct stk_buf *buf = &turn->result->handle;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_freep) char *address = NULL;
    if (text == NULL || *text == '\0') return fail_handle(turn, "the answer names no handle");
    if (turn->spec->handle_header != NULL) {
        const char *base = stk_buf_str(&turn->reply->url);
        if (stk_url_resolve(base, text, &address, &err) != STK_OK) {
            return fail_handle(turn, "the handle is no address");
        }
        text = address;
    }
    if (strlen(text) > STK_HANDLE_BYTES_MAX) return fail_handle(turn, "the handle is too long");
    stk_buf_clear(buf);
    stk_buf_adds(buf, text);
    turn->result->remote.phase = STK_REMOTE_HANDLE;
    turn->result->remote.handle = stk_buf_str(buf);
    return true;
}
