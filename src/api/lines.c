/* SPDX-License-Identifier: MIT
 *
 * Nothing is shipped until somebody watches, so the newest lines are asked for
 * and then waited for, briefly: a pool that is lost never answers.
 */
#include "api/lines.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/pools.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "store/consoles.h"

#define WATCH_FOR   (30 * STK_SECOND)
#define WATCH_LEFT  (20 * STK_SECOND) /* less is renewed */
#define LOOK_EVERY  (100 * STK_MS)
#define ANSWER_WAIT (3 * STK_SECOND)
#define QUIET       (300 * STK_MS)

/* --- one row ----------------------------------------------------------------- */

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

json_t *stk_show_line(const struct stk_line *line)
{
    json_t *shown = json_object();
    stk_put(shown, "seq", json_integer((json_int_t)line->seq));
    stk_put(shown, "at", stk_show_time(line->at));
    if (line->pool_id > 0) stk_put(shown, "pool", stk_show_pool(line->pool_id));
    stk_put(shown, "worker", show_worker(line->worker));
    stk_put(shown, "job", stk_show_id(line->job_id));
    stk_put(shown, "kind", show_kind(line->kind));
    stk_put(shown, "text", json_stringn_nocheck(line->text, line->len));
    return shown;
}

/* --- lines that were shipped --------------------------------------------------- */

struct kept {
    struct stk_line line;
    char *text; /* of the line */
};

struct look {
    const struct stk_lines_ask *ask;
    stk_time_ns begun; /* by the store's clock; 0: it goes on */
    int64_t last;      /* the newest id seen */
    int64_t watch;     /* ours, that pools answer; 0: not asked for old lines */
    size_t in_page;
    struct kept *lines;
    size_t count, size;
    struct stk_pools pools;
    bool *has_answered; /* [pools.count] */
};

static void release(struct look *look)
{
    for (size_t i = 0; i < look->count; i++) {
        free(look->lines[i].text);
    }
    free(look->lines);
    free(look->has_answered);
    stk_pools_release(&look->pools);
}

static void note_answer(void *context, int64_t pool_id)
{
    struct look *look = context;
    for (size_t i = 0; i < look->pools.count; i++) {
        if (look->pools.rows[i].row.id == pool_id) look->has_answered[i] = true;
    }
}

static void take_line(void *context, const struct stk_shipped *shipped)
{
    struct look *look = context;
    const struct stk_lines_ask *ask = look->ask;
    look->last = shipped->id;
    look->in_page++;
    if (ask->worker >= 0 && shipped->worker != (uint32_t)ask->worker) return;
    if (ask->job_id != 0 && shipped->job_id != ask->job_id) return;

    if (look->count == look->size) {
        look->size = look->size == 0 ? 256 : look->size * 2;
        look->lines = stk_realloc(look->lines, look->size, sizeof(*look->lines));
    }
    struct kept *kept = &look->lines[look->count++];
    kept->text = stk_strdup(shipped->text);
    kept->line = (struct stk_line){ .seq = (uint64_t)shipped->id,
                                    .at = shipped->at,
                                    .pool_id = shipped->pool_id,
                                    .worker = shipped->worker,
                                    .job_id = shipped->job_id };
    stk_line_parse(kept->text, &kept->line);
}

static enum stk_rc read_lines(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct look *look = arg;
    enum stk_rc rc = STK_OK;
    if (look->watch != 0) rc = stk_store_answers(store, look->watch, note_answer, look, err);
    if (rc != STK_OK) return rc;
    do {
        look->in_page = 0;
        rc = stk_store_shipped(store, look->ask->pool_id, look->last, STK_PAGE_MAX, take_line, look,
                               err);
    } while (rc == STK_OK && look->in_page == STK_PAGE_MAX &&
             (look->ask->after == 0 || look->count < look->ask->limit));
    return rc;
}

/* --- watching ------------------------------------------------------------------ */

struct watching {
    const struct stk_lines_ask *ask;
    bool is_due;
    int64_t id; /* of the watch */
};

static enum stk_rc read_watch(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct watching *watching = arg;
    struct stk_watch watch = { .until = 0 };
    stk_time_ns now = stk_store_now(store);
    enum stk_rc rc = stk_store_watched(store, watching->ask->pool_id, INT64_MAX, now, &watch, err);
    watching->is_due = watch.until - now < WATCH_LEFT;
    return rc;
}

static enum stk_rc write_watch(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct watching *watching = arg;
    const struct stk_lines_ask *ask = watching->ask;
    uint32_t lines = ask->after == 0 ? (uint32_t)ask->limit : 0;
    return stk_store_watch(store, ask->pool_id, lines, now + WATCH_FOR, now, &watching->id, err);
}

/* Who begins asks in any case, for the lines that are there already. */
static enum stk_rc watch(const struct stk_call *call, const struct stk_lines_ask *ask,
                         int64_t *ret_id, struct stk_error *err)
{
    struct watching watching = { .ask = ask, .is_due = true };
    enum stk_rc rc = STK_OK;
    if (ask->after != 0) rc = stk_read(&call->api->access, read_watch, &watching, err);
    if (rc != STK_OK || !watching.is_due) return rc;
    rc = stk_write(&call->api->access, write_watch, &watching, err);
    *ret_id = watching.id;
    return rc;
}

/* --- the newest, and those to come ----------------------------------------------- */

static enum stk_rc read_pools(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct look *look = arg;
    look->begun = stk_store_now(store);
    return stk_pools_read(store, look->begun, &look->pools, err);
}

static enum stk_rc must_have_pool(const struct stk_call *call, struct look *look,
                                  struct stk_error *err)
{
    const struct stk_pool_seen *asked = NULL;
    enum stk_rc rc = stk_read(&call->api->access, read_pools, look, err);
    if (rc != STK_OK) return rc;
    int64_t pool_id = look->ask->pool_id;
    if (pool_id != 0) asked = stk_pools_find(&look->pools, pool_id);
    if (pool_id != 0 && (asked == NULL || !asked->is_alive)) {
        return stk_fail(err, STK_UNAVAILABLE,
                        "pool p%" PRId64 " is not running: its lines are in the log folder of its "
                        "machine",
                        pool_id);
    }
    if (look->pools.alive > 0) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "no pool is running: lines of earlier ones are in the log folders of their "
                    "machines, here in %s",
                    call->api->settings->logs);
}

static bool have_all_answered(const struct look *look)
{
    int64_t pool_id = look->ask->pool_id;
    for (size_t i = 0; i < look->pools.count; i++) {
        const struct stk_pool_seen *seen = &look->pools.rows[i];
        bool is_asked = seen->is_alive && (pool_id == 0 || seen->row.id == pool_id);
        if (is_asked && !look->has_answered[i]) return false;
    }
    return true;
}

static enum stk_rc wait_for_answers(const struct stk_call *call, struct look *look,
                                    struct stk_error *err)
{
    stk_time_ns now = stk_clock_mono(), deadline = now + ANSWER_WAIT, moved_at = now;
    while (true) {
        int64_t last =
            look->last; /* lines of a slow transaction may come after its pool's answer */
        enum stk_rc rc = stk_read(&call->api->access, read_lines, look, err);
        if (rc != STK_OK) return rc;
        now = stk_clock_mono();
        if (look->last != last) moved_at = now;
        bool is_quiet = now - moved_at >= QUIET;
        if (now >= deadline || (is_quiet && have_all_answered(look))) return STK_OK;
        stk_clock_pause(LOOK_EVERY);
    }
}

static enum stk_rc ask_for_newest(const struct stk_call *call, struct look *look,
                                  struct stk_error *err)
{
    enum stk_rc rc = must_have_pool(call, look, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_lines, look, err);
    look->has_answered = stk_alloc((look->pools.count + 1) * sizeof(*look->has_answered));
    if (rc == STK_OK) rc = watch(call, look->ask, &look->watch, err);
    if (rc != STK_OK) return rc;
    return wait_for_answers(call, look, err);
}

static enum stk_rc follow(const struct stk_call *call, struct look *look, struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + look->ask->wait;
    while (true) {
        int64_t id = 0;
        enum stk_rc rc = watch(call, look->ask, &id, err);
        if (rc == STK_OK) rc = stk_read(&call->api->access, read_lines, look, err);
        bool is_ending = call->api->ending != NULL && atomic_load(call->api->ending);
        if (rc != STK_OK || look->count > 0 || is_ending) return rc;
        if (stk_clock_mono() >= deadline) return STK_OK;
        stk_clock_pause(LOOK_EVERY);
    }
}

/* By time; within one console in the order they were shipped. */
static int by_time(const void *a, const void *b)
{
    const struct stk_line *left = &((const struct kept *)a)->line;
    const struct stk_line *right = &((const struct kept *)b)->line;
    if (left->at != right->at) return left->at < right->at ? -1 : 1;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

/* The newest of those that were there, and all that came while their pools were
 * asked: who goes on behind them would not see those again. */
static size_t first_shown(const struct look *look)
{
    size_t limit = look->ask->limit, from = look->count > limit ? look->count - limit : 0;
    if (look->ask->after != 0) return 0;
    while (from > 0 && look->lines[from - 1].line.at >= look->begun)
        from--;
    return from;
}

static json_t *show_lines(struct look *look)
{
    json_t *rows = json_array();
    if (look->count > 0) qsort(look->lines, look->count, sizeof(*look->lines), by_time);
    size_t from = first_shown(look);
    for (size_t i = from; i < look->count; i++) {
        (void)json_array_append_new(rows, stk_show_line(&look->lines[i].line));
    }
    return rows;
}

enum stk_rc stk_lines_shipped(const struct stk_call *call, const struct stk_lines_ask *ask,
                              json_t **ret_rows, int64_t *ret_last, struct stk_error *err)
{
    STK_CLEANUP(release) struct look look = { .ask = ask, .last = ask->after };
    enum stk_rc rc = ask->after == 0 ? ask_for_newest(call, &look, err) : follow(call, &look, err);
    if (rc != STK_OK) return rc;
    *ret_rows = show_lines(&look);
    *ret_last = look.last;
    return STK_OK;
}
