/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* "STDOUT" of the table, as "stdout". */
static json_t *show_kind(enum stk_line_kind kind)
{
    static const char *const names[] = {
#define KIND_ROW(name, mark, what) [STK_LINE_##name] = #name,
        STK_LINE_MAP(KIND_ROW)
#undef KIND_ROW
    };
    char text[16] = "";
    for (size_t i = 0; i + 1 < sizeof text && names[kind][i] != '\0'; i++) {
        text[i] = (char)tolower((unsigned char)names[kind][i]);
    }
    return json_string(text);
}

static json_t *show_worker(uint32_t worker)
{
    char text[16];
    if (worker == 0) return json_string("pool");
    (void)snprintf(text, sizeof text, "w%" PRIu32, worker);
    return json_string(text);
}

static void add_line(void *context, const struct stk_line *line)
{
    struct logs_read *read = context;
    json_t *shown = json_object();

    stk_put(shown, "seq", json_integer((json_int_t)line->seq));
    stk_put(shown, "at", stk_show_time(line->at));
    stk_put(shown, "worker", show_worker(line->worker));
    stk_put(shown, "job", stk_show_id(line->job_id));
    stk_put(shown, "kind", show_kind(line->kind));
    stk_put(shown, "text", json_stringn_nocheck(line->text, line->len));
    (void)json_array_append_new(read->rows, shown);
}

/* "3", "w3", "p1/w3" as answers have it, or "pool". */
static enum stk_rc ask_worker(const struct stk_call *call, int *ret, struct stk_error *err)
{
    const char *text = stk_call_text(call, "worker");
    uint32_t number = 0;
    if (text == NULL) return STK_OK;

    const char *slash = strchr(text, '/');
    const char *worker = slash != NULL && text[0] == 'p' ? slash + 1 : text;
    bool is_pool = strcmp(worker, "pool") == 0;
    if (worker[0] == 'w') worker++;
    if (!is_pool && (!stk_parse_u32(worker, &number) || number < 1 || number > STK_WORKERS_MAX)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID,
                        "worker must be a number from 1 to %d, or pool, not "
                        "\"%s\"",
                        STK_WORKERS_MAX, shown);
    }
    *ret = (int)number;
    return STK_OK;
}

static enum stk_rc ask(const struct stk_call *call, struct stk_line_filter *filter,
                       stk_time_ns *ret_wait, struct stk_error *err)
{
    int64_t after = 0;
    enum stk_rc rc = stk_call_int(call, "after", 0, INT64_MAX, &after, err);
    if (rc == STK_OK) rc = ask_worker(call, &filter->worker, err);
    if (rc == STK_OK) rc = stk_call_int(call, "job", 1, INT64_MAX, &filter->job_id, err);
    if (rc == STK_OK) rc = stk_call_limit(call, &filter->limit, err);
    if (rc == STK_OK) rc = stk_call_duration(call, "wait", WAIT_MAX, ret_wait, err);
    filter->after = (uint64_t)after;
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

enum stk_rc stk_api_logs(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct logs_read read = { .filter = { .worker = -1, .limit = LOGS_LIMIT } };
    stk_time_ns wait = 0;

    enum stk_rc rc = ask(call, &read.filter, &wait, err);
    if (rc == STK_OK) rc = must_have_consoles(call->api, err);
    if (rc != STK_OK) return rc;

    read.rows = json_array();
    read_or_wait(call, &read, wait);

    json_t *shown = json_object();
    stk_put(shown, "lines", read.rows);
    stk_put(shown, "last", json_integer((json_int_t)read.filter.after));
    stk_put(shown, "lost", json_integer((json_int_t)read.lost));
    *ret = shown;
    return STK_OK;
}
