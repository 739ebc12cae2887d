/* SPDX-License-Identifier: MIT */
#include "api/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "api/pools.h"
#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "model/projection.h"
#include "model/shown.h"
#include "session/notices.h"
#include "session/record.h"

enum { SENTENCE_BYTES = 3000 };

/* --- one row --------------------------------------------------------------- */

static json_t *show_left(stk_time_ns until, stk_time_ns now)
{
    if (until == STK_NEVER) return json_null();
    return stk_show_seconds(until > now ? until - now : 0);
}

static json_t *show_some(const char *text)
{
    return stk_show_text(text[0] != '\0' ? text : NULL);
}

static stk_time_ns first_end(const struct stk_session *row)
{
    if (row->expires_at == STK_NEVER) return row->deadline_at;
    if (row->deadline_at == STK_NEVER) return row->expires_at;
    return row->expires_at < row->deadline_at ? row->expires_at : row->deadline_at;
}

static void put_challenge(json_t *shown, const struct stk_session *row, bool is_seen,
                          stk_time_ns now)
{
    stk_put(shown, "link", is_seen ? show_some(row->link) : json_null());
    stk_put(shown, "code", is_seen ? show_some(row->code) : json_null());
    stk_put(shown, "challenge_expires_in", show_left(row->challenge_until, now));
    bool is_locked = row->blocked_until > now;
    stk_put(shown, "blocked_until", stk_show_time(is_locked ? row->blocked_until : STK_NEVER));
}

static json_t *show_session(const struct stk_session *row, const struct stk_session_spec *spec,
                            bool is_seen, stk_time_ns now)
{
    bool is_open = stk_session_admits(row, now);
    bool needs_person = !is_open && stk_session_needs_person(row->state);
    stk_time_ns end = first_end(row);
    bool is_ending = is_open && end != STK_NEVER && end - now < spec->warn_ns;
    char text[SENTENCE_BYTES];
    if (is_seen) stk_session_sentence(row, now, text, sizeof(text));
    if (!is_seen) stk_session_open_sentence(row, now, text, sizeof(text));

    json_t *shown = json_object();
    stk_put(shown, "name", stk_show_text(spec->name));
    stk_put(shown, "provider", stk_show_text(stk_provider_name(spec->provider)));
    stk_put(shown, "state", stk_show_text(stk_session_state_name(row->state)));
    stk_put(shown, "generation", json_integer(row->generation));
    stk_put(shown, "open", json_boolean(is_open));
    stk_put(shown, "needs_person", json_boolean(needs_person));
    stk_put(shown, "expires_in", is_open ? show_left(end, now) : json_null());
    stk_put(shown, "expires_at", stk_show_time(row->expires_at));
    stk_put(shown, "deadline_at", stk_show_time(row->deadline_at));
    stk_put(shown, "renewed_by", show_some(row->renewed_by));
    stk_put(shown, "renewed_at", stk_show_time(row->generation > 0 ? row->renewed_at : STK_NEVER));
    stk_put(shown, "closed_since",
            stk_show_time(is_open || row->closed_at == 0 ? STK_NEVER : row->closed_at));
    put_challenge(shown, row, is_seen, now);
    stk_put(shown, "reason", show_some(row->reason));
    stk_put(shown, "warn", json_boolean(is_ending));
    stk_put(shown, "text", stk_show_text(text));
    return shown;
}

/* --- with the jobs that wait for it ------------------------------------------ */

static bool is_queue_of(const struct stk_settings *settings, const char *queue,
                        const struct stk_session_spec *spec)
{
    const struct stk_task *task = stk_settings_queue(settings, queue);
    return task != NULL && task->session == spec;
}

static enum stk_rc put_load(struct stk_store *store, const struct stk_settings *settings,
                            const struct stk_session_spec *spec, int64_t idle, json_t *shown,
                            struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    int64_t all = 0;
    json_t *names = json_array();
    enum stk_rc rc = stk_store_queues(store, &queues, &count, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        int64_t pending = 0, running = 0;
        if (!is_queue_of(settings, queues[i].name, spec)) continue;
        (void)json_array_append_new(names, stk_show_text(queues[i].name));
        rc = stk_store_queue_load(store, queues[i].id, &pending, &running, err);
        all += pending;
    }
    bool is_open = json_is_true(json_object_get(shown, "open"));
    int64_t waiting = is_open ? 0 : all < idle ? all : idle;
    stk_put(shown, "queues", names);
    stk_put(shown, "pending", json_integer(all));
    stk_put(shown, "waiting_workers", json_integer(waiting));
    return rc;
}

/* Whether what waits fits into what is left. */
static enum stk_rc put_projection(struct stk_store *store, const struct stk_settings *settings,
                                  const struct stk_session_spec *spec,
                                  const struct stk_session *row, stk_time_ns now, json_t *shown,
                                  struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    struct stk_notice_facts facts = { .work_ns = STK_NEVER };
    stk_time_ns end = stk_session_admits(row, now) ? first_end(row) : STK_NEVER;
    enum stk_rc rc = STK_OK;
    if (json_integer_value(json_object_get(shown, "pending")) > 0) {
        rc = stk_notices_facts(store, settings, spec, now, &facts, err);
    }
    if (rc != STK_OK) return rc;
    bool is_known = facts.work_ns != STK_NEVER && facts.work_ns > 0;
    if (is_known && end != STK_NEVER) stk_projection_add(&text, facts.work_ns, end, now);
    stk_put(shown, "work_s", is_known ? stk_show_seconds(facts.work_ns) : json_null());
    stk_put(shown, "projection", show_some(stk_buf_str(&text)));
    return STK_OK;
}

static enum stk_rc read_one(struct stk_store *store, const struct stk_settings *settings,
                            const struct stk_session_spec *spec, bool is_seen, int64_t idle,
                            stk_time_ns now, json_t *rows, struct stk_error *err)
{
    struct stk_session row;
    enum stk_rc rc = stk_session_row(store, spec->name, &row, err);
    if (rc != STK_OK) return rc;
    json_t *shown = show_session(&row, spec, is_seen, now);
    (void)json_array_append_new(rows, shown);
    rc = put_load(store, settings, spec, idle, shown, err);
    return rc == STK_OK ? put_projection(store, settings, spec, &row, now, shown, err) : rc;
}

enum stk_rc stk_sessions_read(struct stk_store *store, const struct stk_settings *settings,
                              const bool *seen, int64_t idle, stk_time_ns now, json_t *rows,
                              struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < settings->session_count; i++) {
        rc = read_one(store, settings, &settings->sessions[i], seen[i], idle, now, rows, err);
    }
    return rc;
}

enum stk_rc stk_sessions_why(struct stk_store *store, const struct stk_settings *settings,
                             const char *queue, stk_time_ns now, struct stk_buf *ret_text,
                             struct stk_error *err)
{
    const struct stk_task *task = stk_settings_queue(settings, queue);
    struct stk_session row;
    char text[SENTENCE_BYTES];
    if (task == NULL || task->session == NULL) return STK_OK;

    enum stk_rc rc = stk_session_row(store, task->session->name, &row, err);
    if (rc != STK_OK || stk_session_admits(&row, now)) return rc;
    stk_session_open_sentence(&row, now, text, sizeof(text));
    stk_buf_adds(ret_text, text);
    return STK_OK;
}

/* --- the route ---------------------------------------------------------------- */

enum stk_rc stk_sessions_seen(const struct stk_call *call, bool **ret, struct stk_error *err)
{
    const struct stk_settings *settings = call->api->settings;
    *ret = stk_alloc(settings->session_count + 1);
    for (size_t i = 0; i < settings->session_count; i++) {
        struct stk_error why = { .rc = STK_OK };
        enum stk_rc rc = stk_who_check_renew(call, &settings->sessions[i], &why);
        (*ret)[i] = rc == STK_OK;
        if (rc == STK_OK || rc == STK_DENIED) continue;
        *err = why;
        return rc;
    }
    return STK_OK;
}

struct sessions_read {
    const struct stk_call *call;
    const bool *seen;
    json_t *rows;
};

static enum stk_rc read_all(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct sessions_read *read = arg;
    const struct stk_api *api = read->call->api;
    stk_time_ns now = read->call->request->now;
    int64_t idle = 0;
    enum stk_rc rc = stk_pools_idle(api, store, now, &idle, err);
    if (rc != STK_OK) return rc;
    return stk_sessions_read(store, api->settings, read->seen, idle, now, read->rows, err);
}

enum stk_rc stk_api_sessions(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    bool *seen = NULL;
    enum stk_rc rc = stk_sessions_seen(call, &seen, err);
    struct sessions_read read = { .call = call, .seen = seen, .rows = rows };
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_all, &read, err);
    free(seen);
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "sessions", json_incref(rows));
    *ret = shown;
    return STK_OK;
}
