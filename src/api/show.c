/* SPDX-License-Identifier: MIT */
#include "api/show.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/timetext.h"

void stk_put(json_t *object, const char *name, json_t *value)
{
    int failed = json_object_set_new_nocheck(object, name, value);
    assert(failed == 0); /* small, so memory is there (base/alloc.h) */
    (void)failed;
}

json_t *stk_show_text(const char *text)
{
    return text == NULL ? json_null() : json_string_nocheck(text);
}

json_t *stk_show_time(stk_time_ns time)
{
    char text[STK_TIME_TEXT];
    if (time == STK_NEVER) return json_null();
    stk_time_text(time, text);
    return json_string(text);
}

json_t *stk_show_id(int64_t id)
{
    return id == 0 ? json_null() : json_integer(id);
}

/* What the store keeps was checked to be JSON. Should it not be, the text is
 * shown as a text: an answer with one odd member beats none. */
json_t *stk_show_json(const char *text)
{
    json_t *value = NULL;
    if (text == NULL) return json_null();
    if (stk_json_parse(text, strlen(text), &value, NULL) != STK_OK) return stk_show_text(text);
    return value;
}

json_t *stk_show_pool(int64_t pool_id)
{
    char text[32];
    if (pool_id == 0) return json_null();
    (void)snprintf(text, sizeof text, "p%" PRId64, pool_id);
    return json_string(text);
}

json_t *stk_show_worker(int64_t pool_id, uint32_t worker)
{
    char text[48];
    if (pool_id == 0 || worker == 0) return json_null(); /* parked: it holds none */
    (void)snprintf(text, sizeof text, "p%" PRId64 "/w%" PRIu32, pool_id, worker);
    return json_string(text);
}

/* Of what is not negative and fits: rates and forecasts do. */
static double round_to(double value, double steps)
{
    return (double)(int64_t)(value * steps + 0.5) / steps;
}

json_t *stk_show_per_s(double per_s)
{
    return json_real(round_to(per_s, 100));
}

json_t *stk_show_seconds(stk_time_ns duration)
{
    if (duration == STK_NEVER) return json_null();
    return json_real(round_to((double)duration / (double)STK_SECOND, 10));
}

void stk_put_counts(json_t *object, const struct stk_counts *counts)
{
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        stk_put(object, stk_state_name((enum stk_state)i), json_integer(counts->of[i]));
    }
}

json_t *stk_show_job(const struct stk_job *job)
{
    json_t *shown = json_object();

    stk_put(shown, "id", json_integer(job->id));
    stk_put(shown, "task", stk_show_text(job->task));
    stk_put(shown, "queue", stk_show_text(job->queue));
    stk_put(shown, "sweep_id", stk_show_id(job->sweep_id));
    stk_put(shown, "state", stk_show_text(stk_state_name(job->state)));
    stk_put(shown, "priority", json_integer(job->priority));
    stk_put(shown, "params", stk_show_json(job->params));
    stk_put(shown, "result", stk_show_json(job->result));
    stk_put(shown, "error", stk_show_text(job->error));
    stk_put(shown, "attempt", json_integer(job->attempt));
    stk_put(shown, "throttles", json_integer(job->throttles));
    stk_put(shown, "session_waits", json_integer(job->session_waits));
    stk_put(shown, "interruptions", json_integer(job->interruptions));
    stk_put(shown, "retries", json_integer(job->retries));
    stk_put(shown, "key", stk_show_text(job->key));
    stk_put(shown, "cancel_requested", json_boolean(job->cancel_requested));
    stk_put(shown, "created_at", stk_show_time(job->created_at));
    stk_put(shown, "ready_at", stk_show_time(job->ready_at));
    stk_put(shown, "started_at", stk_show_time(job->started_at));
    stk_put(shown, "finished_at", stk_show_time(job->finished_at));
    stk_put(shown, "worker", stk_show_worker(job->pool_id, job->worker));
    return shown;
}
