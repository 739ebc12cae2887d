/* SPDX-License-Identifier: MIT
 *
 * Pools and events: rows that are added, and read newest first or in order.
 */
#include "store/pg/pg.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* --- pools --------------------------------------------------------------- */

static enum stk_rc add_pool_event(struct stk_pg *self, enum stk_event_kind kind, int64_t id,
                                  const char *text, stk_time_ns now, struct stk_error *err)
{
    struct stk_event event = { .pool_id = id, .text = text };
    return stk_pg_event_add(self, kind, &event, now, err);
}

enum stk_rc stk_pg_pool_start(struct stk_store *store, const char *host, int64_t pid,
                              uint32_t workers, stk_time_ns now, int64_t *ret_id,
                              struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t id = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_text(self, host);
    stk_pg_arg_int(self, pid);
    stk_pg_arg_int(self, workers);
    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, now + self->lease_ns);
    rc = stk_pg_number(self, STMT_POOL_ADD, "start a pool", 0, &id, err);
    if (rc != STK_OK) return rc;

    char text[200];
    (void)snprintf(text, sizeof(text), "pool p%lld started with %u workers (pid %lld on %.72s)",
                   (long long)id, workers, (long long)pid, host);
    rc = add_pool_event(self, STK_EVENT_POOL_STARTED, id, text, now, err);
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

/* Nothing but this pool adds to its log, so what lies before is gone already. */
static enum stk_rc take_renewed(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                                struct stk_error *err)
{
    (void)context, (void)err;
    if (rows->count > 0) self->claim_log_from = stk_pg_int(rows, 0, 0);
    return STK_OK;
}

static enum stk_rc renew_log(struct stk_pg *self, int64_t pool_id, struct stk_error *err)
{
    stk_pg_arg_int(self, pool_id);
    stk_pg_arg_int(self, self->claim_log_from);
    stk_pg_array_ints(self, self->live.count);
    for (size_t i = 0; i < self->live.size; i++) {
        if (self->live.places[i].id != 0) stk_pg_item_int(self, self->live.places[i].id);
    }
    stk_pg_array_end(self);
    return stk_pg_send(self, STMT_CLAIM_LOG_RENEW, "write a pool's heartbeat", take_renewed, NULL,
                       err);
}

/* It is not asked whether the lease has run out: as long as nobody has taken the
 * pool for gone its jobs are its own. */
enum stk_rc stk_pg_pool_beat(struct stk_store *store, int64_t id, const struct stk_pool_said *said,
                             stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    stk_time_ns was_at = STK_NEVER;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, id);
    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, now + self->lease_ns);
    stk_pg_arg_text(self, stk_pool_state_name(said->state));
    stk_pg_arg_text(self, said->reason);
    stk_pg_arg_real(self, said->per_s);
    rc = stk_pg_number(self, STMT_POOL_BEAT, "write a pool's heartbeat", STK_NEVER, &was_at, err);
    if (rc != STK_OK) return rc;
    if (was_at != STK_NEVER) {
        stk_past_beat(self, id, was_at, now);
        return renew_log(self, id, err);
    }
    return stk_fail(err, STK_CONFLICT, "pool p%lld has ended, or was taken for gone",
                    (long long)id);
}

enum stk_rc stk_pg_pool_stop(struct stk_store *store, int64_t id, stk_time_ns now,
                             struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, id);
    stk_pg_arg_int(self, now);
    rc = stk_pg_change(self, STMT_POOL_END, "stop a pool", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return stk_fail(err, STK_CONFLICT, "pool p%lld has ended", (long long)id);
    char text[64];
    (void)snprintf(text, sizeof(text), "pool p%lld stopped in good order", (long long)id);
    return add_pool_event(self, STK_EVENT_POOL_STOPPED, id, text, now, err);
}

/* A word that this program does not know yet is one of a newer pool. */
static struct stk_pool_said said_of(const struct stk_pg_rows *rows, int row)
{
    struct stk_pool_said said = { .state = STK_POOL_RUNNING,
                                  .reason = stk_pg_text(rows, row, 10),
                                  .per_s = stk_pg_real(rows, row, 11) };
    (void)stk_pool_state_from_name(stk_pg_text(rows, row, 9), &said.state);
    return said;
}

enum stk_rc stk_pg_pools(struct stk_store *store, size_t limit, stk_pool_fn each, void *context,
                         struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    enum stk_rc rc = stk_pg_run(self, STMT_POOL_LIST, "list the pools", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        const struct stk_pool_row pool = {
            .id = stk_pg_int(&rows, i, 0),
            .host = stk_pg_text(&rows, i, 1),
            .pid = stk_pg_int(&rows, i, 2),
            .workers = (uint32_t)stk_pg_int(&rows, i, 3),
            .started_at = stk_pg_int(&rows, i, 4),
            .beat_at = stk_pg_int(&rows, i, 5),
            .stopped_at = stk_pg_time(&rows, i, 6),
            .ended = stk_pg_text(&rows, i, 7),
            .lease_until = stk_pg_int(&rows, i, 8),
            .said = said_of(&rows, i),
        };
        each(context, &pool);
    }
    return rc;
}

enum stk_rc stk_pg_cancels(struct stk_store *store, int64_t pool_id,
                           void (*each)(void *context, int64_t job_id), void *context,
                           struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, pool_id);
    rc = stk_pg_run(self, STMT_CANCEL_TAKE, "hear of jobs to stop", &rows, err);
    for (int i = 0; i < rows.count && rc == STK_OK; i++) {
        each(context, stk_pg_int(&rows, i, 0));
    }
    return rc;
}

/* --- events -------------------------------------------------------------- */

/* The text may hold what a program printed; the server takes only UTF-8. */
enum stk_rc stk_pg_event_add(struct stk_pg *self, enum stk_event_kind kind,
                             const struct stk_event *event, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf escaped = STK_BUF_INIT;
    const char *text = event->text;
    if (!stk_utf8_is_valid(text, strlen(text))) {
        stk_text_add_escaped(&escaped, text, strlen(text));
        text = stk_buf_str(&escaped);
    }
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, stk_event_name(kind));
    stk_pg_arg_id(self, event->job_id);
    stk_pg_arg_id(self, event->sweep_id);
    stk_pg_arg_id(self, event->pool_id);
    stk_pg_arg_text(self, event->queue);
    stk_pg_arg_text(self, event->actor);
    stk_pg_arg_text(self, text);
    return stk_pg_send(self, STMT_EVENT_ADD, "write an event", NULL, NULL, err);
}

enum stk_rc stk_pg_event(struct stk_store *store, enum stk_event_kind kind,
                         const struct stk_event *event, stk_time_ns now, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_writing(self, err);
    return rc != STK_OK ? rc : stk_pg_event_add(self, kind, event, now, err);
}

static struct stk_event event_of(const struct stk_pg_rows *rows, int row)
{
    return (struct stk_event){
        .id = stk_pg_int(rows, row, 0),
        .at = stk_pg_int(rows, row, 1),
        .kind = stk_pg_text(rows, row, 2),
        .job_id = stk_pg_int(rows, row, 3),
        .sweep_id = stk_pg_int(rows, row, 4),
        .pool_id = stk_pg_int(rows, row, 5),
        .queue = stk_pg_text(rows, row, 6),
        .actor = stk_pg_text(rows, row, 7),
        .text = stk_pg_text(rows, row, 8),
        .is_settled = stk_pg_bool(rows, row, 9),
    };
}

enum stk_rc stk_pg_events(struct stk_store *store, int64_t after_id, int64_t job_id, size_t limit,
                          stk_event_fn each, void *context, struct stk_error *err)
{
    static const enum stmt paths[2][2] = {
        { STMT_EVENT_NEWEST, STMT_EVENT_AFTER },
        { STMT_EVENT_JOB_NEWEST, STMT_EVENT_JOB_AFTER },
    };
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, (int64_t)(limit < STK_PAGE_MAX ? limit : STK_PAGE_MAX));
    if (after_id != 0) stk_pg_arg_int(self, after_id);
    if (job_id != 0) stk_pg_arg_int(self, job_id);
    enum stmt stmt = paths[job_id != 0][after_id != 0];
    enum stk_rc rc = stk_pg_run(self, stmt, "read events", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        const struct stk_event event = event_of(&rows, i);
        each(context, &event);
    }
    return rc;
}
