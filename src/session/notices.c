/* SPDX-License-Identifier: MIT */
#include "session/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "model/projection.h"
#include "session/turn.h"
#include "store/notices.h"

/* --- how much waits ------------------------------------------------------- */

/* The tasks of one session that have jobs. */
struct load {
    const struct stk_settings *settings;
    const struct stk_session_spec *spec;
    const struct stk_task **tasks; /* [settings->task_count] */
    struct stk_work *work;         /* the same */
    size_t count;
    int64_t busy; /* jobs that run, of whatever task */
};

static void release_load(struct load *load)
{
    free(load->tasks);
    free(load->work);
}

static void see_task(void *context, const char *queue, const char *name,
                     const struct stk_counts *counts)
{
    struct load *load = context;
    const struct stk_task *task = stk_settings_task(load->settings, name);
    int64_t pending = counts->of[STK_STATE_PENDING];
    int64_t running = counts->of[STK_STATE_RUNNING];
    load->busy += running;
    bool is_meant = task != NULL && task->session == load->spec && strcmp(task->queue, queue) == 0;
    if (!is_meant || pending + running == 0 || load->count == load->settings->task_count) return;
    load->tasks[load->count] = task;
    load->work[load->count++] = (struct stk_work){ .pending = pending, .running = running };
}

static enum stk_rc add_limits(struct stk_store *store, const struct stk_task *task, stk_time_ns now,
                              struct stk_work *work, struct stk_error *err)
{
    for (size_t i = 0; i < task->limit_count; i++) {
        const struct stk_limit_spec *spec = task->limits[i];
        struct stk_limit limit;
        enum stk_rc rc = stk_limit_row(store, spec->name, &limit, err);
        if (rc != STK_OK) return rc;
        uint32_t slots = stk_limit_concurrency(&limit, spec, now);
        stk_time_ns interval = stk_limit_interval(&limit, spec);
        if (slots > 0 && (work->concurrency == 0 || slots < work->concurrency)) {
            work->concurrency = slots;
        }
        if (interval > work->interval_ns) work->interval_ns = interval;
    }
    return STK_OK;
}

static enum stk_rc fill_load(struct stk_store *store, struct load *load, stk_time_ns now,
                             struct stk_error *err)
{
    enum stk_rc rc = stk_store_counts_by_task(store, see_task, load, err);
    for (size_t i = 0; rc == STK_OK && i < load->count; i++) {
        rc = stk_store_task_run_time(store, load->tasks[i]->name, &load->work[i].mean_ns, err);
        if (rc == STK_OK) rc = add_limits(store, load->tasks[i], now, &load->work[i], err);
    }
    return rc;
}

enum stk_rc stk_notices_facts(struct stk_store *store, const struct stk_settings *settings,
                              const struct stk_session_spec *spec, stk_time_ns now,
                              struct stk_notice_facts *ret, struct stk_error *err)
{
    size_t room = settings->task_count + 1;
    STK_CLEANUP(release_load) struct load load = { .settings = settings, .spec = spec };
    load.tasks = stk_alloc(room * sizeof(struct stk_task *));
    load.work = stk_alloc(room * sizeof(struct stk_work));
    enum stk_rc rc = fill_load(store, &load, now, err);
    if (rc != STK_OK) return rc;

    *ret = (struct stk_notice_facts){ .work_ns = STK_NEVER };
    for (size_t i = 0; i < load.count; i++) {
        ret->pending += load.work[i].pending;
        ret->running += load.work[i].running;
    }
    int64_t idle = load.busy < settings->workers ? settings->workers - load.busy : 0;
    ret->waiting = ret->pending < idle ? ret->pending : idle;
    ret->work_ns = stk_projection(load.work, load.count, settings->workers);
    return STK_OK;
}

/* --- writing -------------------------------------------------------------- */

/* The names of those that are to be told; empty: nobody. */
static json_t *make_left(const struct stk_settings *settings, const struct stk_notice_due *due,
                         stk_time_ns now)
{
    json_t *left = json_array();
    for (size_t i = 0; i < settings->channel_count; i++) {
        const struct stk_channel *channel = &settings->channels[i];
        bool is_held = due->is_repeat && stk_channel_is_quiet(channel, now);
        if (is_held || !stk_channel_takes(channel, stk_notice_name(due->kind))) continue;
        (void)json_array_append_new(left, json_string(channel->name));
    }
    return left;
}

static enum stk_rc add_one(struct stk_store *store, const struct stk_settings *settings,
                           const struct stk_notice_due *due, stk_time_ns now, bool *ret_fresh,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *left = make_left(settings, due, now);
    if (json_array_size(left) == 0) return STK_OK;
    STK_CLEANUP(stk_freep) char *text = stk_json_text(left);
    const struct stk_notice notice = {
        .event = stk_notice_name(due->kind),
        .subject = stk_buf_str(&due->subject),
        .key = stk_buf_str(&due->key),
        .text = stk_buf_str(&due->text),
        .facts = stk_buf_str(&due->facts),
        .next_at = now,
        .left = text,
    };
    bool is_fresh = false;
    enum stk_rc rc = stk_store_notice_add(store, &notice, now, &is_fresh, err);
    if (is_fresh) *ret_fresh = true;
    return rc;
}

enum stk_rc stk_notices_add(struct stk_store *store, const struct stk_settings *settings,
                            const struct stk_notices *notices, stk_time_ns now, bool *ret_fresh,
                            struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    *ret_fresh = false;
    for (size_t i = 0; rc == STK_OK && i < notices->count; i++) {
        rc = add_one(store, settings, &notices->list[i], now, ret_fresh, err);
    }
    return rc;
}

/* The rule is asked without the facts first: mostly nothing is due, and counting
 * costs more than the rule does. */
enum stk_rc stk_notices_say(struct stk_store *store, const struct stk_settings *settings,
                            const struct stk_session_spec *spec, const struct stk_session *before,
                            const struct stk_session *session, stk_time_ns now,
                            stk_time_ns *ret_again, bool *ret_fresh, struct stk_error *err)
{
    STK_CLEANUP(stk_notices_release) struct stk_notices notices = { .count = 0 };
    struct stk_notice_facts facts = { .work_ns = STK_NEVER };
    stk_notices_of_session(before, session, spec, &facts, now, &notices);
    *ret_again = notices.again_at;
    *ret_fresh = false;
    if (notices.count == 0) return STK_OK;

    enum stk_rc rc = stk_notices_facts(store, settings, spec, now, &facts, err);
    if (rc != STK_OK) return rc;
    if (stk_session_admits(session, now)) facts.waiting = 0; /* idle for another reason */
    stk_notices_release(&notices);
    stk_notices_of_session(before, session, spec, &facts, now, &notices);
    return stk_notices_add(store, settings, &notices, now, ret_fresh, err);
}
