/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "api/lines.h"
#include "api/pools.h"
#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/shown.h"

enum { LOGS_LIMIT = 200 };

#define WAIT_MAX   (60 * STK_SECOND)
#define WAIT_SLICE (250 * STK_MS) /* how long an ending server may go unnoticed */

struct logs_read {
    struct stk_line_filter filter;
    json_t *rows;
    uint64_t lost;
};

static void add_line(void *context, const struct stk_line *line)
{
    struct logs_read *read = context;
    (void)json_array_append_new(read->rows, stk_show_line(line));
}

/* "3", "w3", "p1/w3" as answers have it, or "pool", "p1/pool". */
static enum stk_rc ask_worker(const struct stk_call *call, struct stk_lines_ask *ask,
                              struct stk_error *err)
{
    const char *text = stk_call_text(call, "worker");
    uint32_t number = 0;
    if (text == NULL) return STK_OK;

    const char *slash = strchr(text, '/');
    STK_CLEANUP(stk_freep)
    char *pool = stk_strndup(text, slash != NULL ? (size_t)(slash - text) : 0);
    bool has_pool = pool[0] == 'p' && stk_parse_i64(pool + 1, &ask->pool_id);
    const char *worker = has_pool ? slash + 1 : text;
    bool is_pool = strcmp(worker, "pool") == 0;
    if (worker[0] == 'w') worker++;
    if (!is_pool && (!stk_parse_u32(worker, &number) || number < 1 || number > STK_WORKERS_MAX)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID,
                        "worker must be a number from 1 to %d, or pool, not "
                        "\"%s\"",
                        STK_WORKERS_MAX, shown);
    }
    ask->worker = (int)number;
    return STK_OK;
}

static enum stk_rc ask_lines(const struct stk_call *call, struct stk_lines_ask *ask,
                             struct stk_error *err)
{
    enum stk_rc rc = stk_call_int(call, "after", 0, INT64_MAX, &ask->after, err);
    if (rc == STK_OK) rc = ask_worker(call, ask, err);
    if (rc == STK_OK) rc = stk_call_int(call, "job", 1, INT64_MAX, &ask->job_id, err);
    if (rc == STK_OK) rc = stk_call_limit(call, &ask->limit, err);
    if (rc == STK_OK) rc = stk_call_duration(call, "wait", WAIT_MAX, &ask->wait, err);
    return rc;
}

static bool is_ending(const struct stk_api *api)
{
    return api->ending != NULL && atomic_load(api->ending);
}

/* Reads, and as long as there is nothing for this filter waits for more. */
static void read_or_wait(const struct stk_call *call, struct logs_read *read, stk_time_ns wait)
{
    struct stk_consoles *consoles = stk_pool_consoles(call->api->pool);
    stk_time_ns deadline = stk_clock_mono() + wait;

    while (true) {
        uint64_t lost = 0;
        uint64_t last = read->filter.after;
        stk_consoles_read(consoles, &read->filter, add_line, read, &last, &lost);
        read->filter.after = last;
        read->lost += lost;

        stk_time_ns left = deadline - stk_clock_mono();
        if (json_array_size(read->rows) > 0 || left <= 0 || is_ending(call->api)) return;
        (void)stk_consoles_wait(consoles, last, left < WAIT_SLICE ? left : WAIT_SLICE);
    }
}

static enum stk_rc must_have_consoles(const struct stk_api *api, struct stk_error *err)
{
    if (api->pool == NULL) {
        return stk_fail(err, STK_UNAVAILABLE,
                        "no pool is running: lines of earlier ones are in the files of %s",
                        api->settings->logs);
    }
    if (stk_pool_consoles(api->pool) == NULL) {
        return stk_fail(err, STK_UNAVAILABLE, "this pool runs without consoles");
    }
    return STK_OK;
}

static enum stk_rc read_own(const struct stk_call *call, const struct stk_lines_ask *ask,
                            struct logs_read *read, struct stk_error *err)
{
    enum stk_rc rc = must_have_consoles(call->api, err);
    if (rc != STK_OK) return rc;
    read->filter = (struct stk_line_filter){ .after = (uint64_t)ask->after,
                                             .worker = ask->worker,
                                             .job_id = ask->job_id,
                                             .limit = ask->limit };
    read->rows = json_array();
    read_or_wait(call, read, ask->wait);
    return STK_OK;
}

enum stk_rc stk_api_logs(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct stk_lines_ask ask = { .worker = -1, .limit = LOGS_LIMIT };
    struct logs_read read = { .rows = NULL };
    int64_t last = 0;

    enum stk_rc rc = ask_lines(call, &ask, err);
    if (rc == STK_OK && stk_pools_are_rows(call->api)) {
        rc = stk_lines_shipped(call, &ask, &read.rows, &last, err);
    } else if (rc == STK_OK) {
        rc = read_own(call, &ask, &read, err);
        last = (int64_t)read.filter.after;
    }
    if (rc != STK_OK) return rc;

    json_t *shown = json_object();
    stk_put(shown, "lines", read.rows);
    stk_put(shown, "last", json_integer(last));
    stk_put(shown, "lost", json_integer((json_int_t)read.lost));
    *ret = shown;
    return STK_OK;
}
