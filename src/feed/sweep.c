/* SPDX-License-Identifier: MIT */
#include "feed/sweep.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/text.h"
#include "model/shown.h"

/* The spec of a sweep's row is {"parts": [part, ...]}: one part for the sweep
 * as it was accepted and one for each extension. A part is its recipe and
 *
 *   "points": 1600     how many it makes
 *   "priority": 0      of its jobs
 *   "done": true       once all of them are in
 *
 * A file's text is kept until then, and replaced by "rows", its number of rows. */

enum { CHUNK_BYTES_MAX = 8 * 1024 * 1024 }; /* of parameters in one transaction */

/* --- the row of a sweep -------------------------------------------------- */

struct row {
    char *task;
    char *text; /* of the spec */
    json_t *spec;
    int64_t points;
    bool filled;
};
#define ROW_INIT \
    {            \
        0        \
    }

static void release_row(struct row *row)
{
    free(row->task);
    free(row->text);
    json_decref(row->spec);
    *row = (struct row)ROW_INIT;
}

static void copy_row(void *context, const struct stk_sweep *sweep)
{
    struct row *row = context;
    release_row(row);
    row->task = stk_strdup(sweep->task);
    row->text = stk_strdup(sweep->spec);
    row->points = sweep->points;
    row->filled = sweep->filled;
}

static json_t *list_parts(const struct row *row)
{
    return json_object_get(row->spec, "parts");
}

static enum stk_rc load_row(struct stk_store *store, int64_t id, struct row *row,
                            struct stk_error *err)
{
    enum stk_rc rc = stk_store_sweeps(store, id, 0, 1, copy_row, row, err);
    if (rc != STK_OK) return rc;
    if (row->text == NULL) return stk_fail(err, STK_NOT_FOUND, "there is no sweep %" PRId64, id);

    struct stk_error cause = { .rc = STK_OK };
    rc = stk_json_parse(row->text, strlen(row->text), &row->spec, &cause);
    if (rc == STK_OK && json_is_array(list_parts(row))) return STK_OK;
    return stk_fail(err, STK_BAD_DATA, "sweep %" PRId64 ": its spec is broken: %s", id,
                    rc == STK_OK ? "it has no parts" : cause.text);
}

struct load {
    int64_t id;
    struct row *row;
};

static enum stk_rc read_row(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct load *load = arg;
    return load_row(store, load->id, load->row, err);
}

static int64_t get_points(const json_t *part)
{
    return json_integer_value(json_object_get(part, "points"));
}

static bool is_done(const json_t *part)
{
    return json_is_true(json_object_get(part, "done"));
}

/* --- checking a request -------------------------------------------------- */

static enum stk_rc fail_none_left(const struct stk_points *points, const json_t *recipe,
                                  struct stk_error *err)
{
    STK_CLEANUP(stk_freep)
    char *where = stk_shown_json(json_object_get(recipe, "where")); /* else no point is lost */
    return stk_fail(err, STK_INVALID, "no point is left: where %s is true for none of %" PRId64,
                    where, stk_points_span(points));
}

/* Opens the points of a recipe and counts them; none at all is an error. */
static enum stk_rc open_points(const struct stk_task *task, const json_t *recipe,
                               struct stk_points **ret, int64_t *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_points_closep) struct stk_points *points = NULL;
    int64_t count = 0;
    enum stk_rc rc = stk_points_open(task, recipe, &points, err);
    if (rc == STK_OK) rc = stk_points_count(points, &count, err);
    if (rc != STK_OK) return rc;
    if (count == 0) return fail_none_left(points, recipe, err);

    *ret = points;
    *ret_count = count;
    points = NULL;
    return STK_OK;
}

static enum stk_rc find_task(const struct stk_settings *settings, const char *name,
                             const struct stk_task **ret, struct stk_error *err)
{
    if (name == NULL) return stk_fail(err, STK_INVALID, "a sweep needs the name of a task");
    *ret = stk_settings_task(settings, name);
    if (*ret == NULL) return stk_settings_fail_unknown_task(settings, name, err);
    return STK_OK;
}

enum stk_rc stk_sweep_preview(const struct stk_settings *settings,
                              const struct stk_sweep_request *request, size_t sample,
                              int64_t *ret_points, json_t **ret_sample, struct stk_error *err)
{
    const struct stk_task *task = NULL;
    STK_CLEANUP(stk_points_closep) struct stk_points *points = NULL;
    STK_CLEANUP(stk_json_freep) json_t *shown = json_array();
    int64_t count = 0;
    enum stk_rc rc = find_task(settings, request->task, &task, err);
    if (rc == STK_OK) rc = open_points(task, request->recipe, &points, &count, err);
    if (rc != STK_OK) return rc;

    while (json_array_size(shown) < sample) {
        const char *text = NULL;
        size_t len = 0;
        json_t *point = NULL;
        rc = stk_points_next(points, &text, &len, err);
        if (rc == STK_OK && text == NULL) break;
        if (rc == STK_OK) rc = stk_json_parse(text, len, &point, err);
        if (rc != STK_OK) return rc;
        (void)json_array_append_new(shown, point);
    }

    *ret_points = count;
    *ret_sample = json_incref(shown);
    return STK_OK;
}

/* --- accepting ----------------------------------------------------------- */

struct accepting {
    const struct stk_sweep_request *request;
    const struct stk_task *task;
    json_t *part;
    int64_t points;
    int64_t sweep_id; /* written by the transaction */
};

static enum stk_rc add_event(struct stk_store *store, const struct accepting *accepting,
                             enum stk_event_kind kind, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_freep)
    char *text =
        stk_format("%" PRId64 " points of task %s", accepting->points, accepting->task->name);
    struct stk_event event = { .sweep_id = accepting->sweep_id,
                               .queue = accepting->task->queue,
                               .text = text };
    return stk_store_event(store, kind, &event, now, err);
}

static enum stk_rc write_new(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    struct accepting *accepting = arg;
    STK_CLEANUP(stk_json_freep) json_t *spec = json_pack("{s:[O]}", "parts", accepting->part);
    STK_CLEANUP(stk_freep) char *text = stk_json_text(spec);
    int64_t task_id = 0;
    enum stk_rc rc =
        stk_store_task(store, accepting->task->name, accepting->task->queue, &task_id, err);
    if (rc != STK_OK) return rc;
    rc = stk_store_sweep_new(store, accepting->request->name, task_id, text, accepting->points, now,
                             &accepting->sweep_id, err);
    if (rc != STK_OK) return rc;
    return add_event(store, accepting, STK_EVENT_SWEEP_CREATED, now, err);
}

/* Reads the row again: another extension may have come in since it was checked. */
static enum stk_rc write_extension(struct stk_store *store, void *arg, stk_time_ns now,
                                   struct stk_error *err)
{
    struct accepting *accepting = arg;
    STK_CLEANUP(release_row) struct row row = ROW_INIT;
    accepting->sweep_id = accepting->request->extend_id;
    enum stk_rc rc = load_row(store, accepting->sweep_id, &row, err);
    if (rc != STK_OK) return rc;

    (void)json_array_append(list_parts(&row), accepting->part);
    STK_CLEANUP(stk_freep) char *text = stk_json_text(row.spec);
    rc = stk_store_sweep_set(store, accepting->sweep_id, text, row.points + accepting->points,
                             false, err);
    if (rc != STK_OK) return rc;
    return add_event(store, accepting, STK_EVENT_SWEEP_EXTENDED, now, err);
}

/* The task of the request, which an extension need not name. */
static enum stk_rc find_request_task(const struct stk_access *access,
                                     const struct stk_settings *settings,
                                     const struct stk_sweep_request *request,
                                     const struct stk_task **ret, struct stk_error *err)
{
    if (request->extend_id == 0) return find_task(settings, request->task, ret, err);

    STK_CLEANUP(release_row) struct row row = ROW_INIT;
    struct load load = { .id = request->extend_id, .row = &row };
    enum stk_rc rc = stk_read(access, read_row, &load, err);
    if (rc != STK_OK) return rc;
    if (request->task != NULL && strcmp(request->task, row.task) != 0) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(request->task);
        return stk_fail(err, STK_INVALID, "sweep %" PRId64 " is of task \"%s\", not \"%s\"",
                        request->extend_id, row.task, shown);
    }
    return find_task(settings, row.task, ret, err);
}

static enum stk_rc check_request(const struct stk_sweep_request *request, struct stk_error *err)
{
    if (request->name == NULL || stk_name_is_valid(request->name)) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(request->name);
    return stk_fail(err, STK_INVALID,
                    "\"%s\" is no name for a sweep: letters, digits and _-.:/ only, at most 128",
                    shown);
}

static json_t *make_part(const struct accepting *accepting)
{
    const struct stk_sweep_request *request = accepting->request;
    assert(accepting->task != NULL);
    int32_t priority = request->has_priority ? request->priority : accepting->task->priority;
    json_t *part = request->recipe != NULL ? json_copy(request->recipe) : json_object();
    (void)json_object_set_new(part, "points", json_integer(accepting->points));
    (void)json_object_set_new(part, "priority", json_integer(priority));
    return part;
}

enum stk_rc stk_sweep_accept(const struct stk_access *access, const struct stk_settings *settings,
                             const struct stk_sweep_request *request, int64_t *ret_sweep_id,
                             int64_t *ret_points, struct stk_error *err)
{
    struct accepting accepting = { .request = request };
    STK_CLEANUP(stk_points_closep) struct stk_points *points = NULL;
    enum stk_rc rc = check_request(request, err);
    if (rc == STK_OK) rc = find_request_task(access, settings, request, &accepting.task, err);
    if (rc != STK_OK) return rc;
    rc = open_points(accepting.task, request->recipe, &points, &accepting.points, err);
    if (rc != STK_OK) return rc;
    if (accepting.points > request->points_max) {
        return stk_fail(err, STK_TOO_LARGE,
                        "this sweep would make %" PRId64 " jobs; say --yes to go on",
                        accepting.points);
    }

    STK_CLEANUP(stk_json_freep) json_t *part = make_part(&accepting);
    accepting.part = part;
    rc = stk_write(access, request->extend_id == 0 ? write_new : write_extension, &accepting, err);
    if (rc != STK_OK) return rc;

    *ret_sweep_id = accepting.sweep_id;
    *ret_points = accepting.points;
    return STK_OK;
}

/* --- filling ------------------------------------------------------------- */

/* Jobs that go into one transaction. */
struct chunk {
    struct stk_new_job jobs[STK_STORE_CHUNK];
    struct stk_submitted submitted[STK_STORE_CHUNK];
    size_t starts[STK_STORE_CHUNK]; /* in text, which moves while it grows */
    struct stk_buf text;
    size_t count;
    int64_t fresh; /* written by the transaction */
};

struct filling {
    const struct stk_access *access;
    const struct stk_task *task;
    int64_t sweep_id;
    struct chunk *chunk;
    int64_t done, expected; /* points of this call, for `more` */
    bool (*more)(void *context, int64_t done, int64_t points);
    void *context;

    size_t part_at; /* of the part under way: */
    int32_t priority;
    size_t from_rows;
    bool last;      /* chunk */
    bool elsewhere; /* another process fills it; written by the transaction */
    int64_t fresh, points;
};

static void free_chunk(struct chunk **chunk)
{
    stk_buf_release(&(*chunk)->text);
    free(*chunk);
}

static enum stk_rc submit_chunk(struct stk_store *store, struct filling *fill, stk_time_ns now,
                                struct stk_error *err)
{
    struct chunk *chunk = fill->chunk;
    int64_t task_id = 0;
    chunk->fresh = 0;
    if (chunk->count == 0) return STK_OK;

    enum stk_rc rc = stk_store_task(store, fill->task->name, fill->task->queue, &task_id, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < chunk->count; i++) {
        chunk->jobs[i].task_id = task_id;
        chunk->jobs[i].params = chunk->text.data + chunk->starts[i];
    }
    rc = stk_store_submit(store, chunk->jobs, chunk->count, now, chunk->submitted, err);
    for (size_t i = 0; rc == STK_OK && i < chunk->count; i++) {
        chunk->fresh += !chunk->submitted[i].existing;
    }
    return rc;
}

static void mark_part(const struct filling *fill, json_t *part)
{
    (void)json_object_set_new(part, "done", json_true());
    (void)json_object_set_new(part, "points",
                              json_integer(fill->points + (int64_t)fill->chunk->count));
    json_t *from = json_object_get(part, "from");
    if (json_object_get(from, "text") == NULL) return;
    (void)json_object_del(from, "text");
    (void)json_object_set_new(from, "rows", json_integer((json_int_t)fill->from_rows));
}

/* The row is read again: an extension may have been accepted meanwhile. */
static enum stk_rc mark_done(struct stk_store *store, const struct filling *fill,
                             struct stk_error *err)
{
    STK_CLEANUP(release_row) struct row row = ROW_INIT;
    enum stk_rc rc = load_row(store, fill->sweep_id, &row, err);
    if (rc != STK_OK) return rc;

    mark_part(fill, json_array_get(list_parts(&row), fill->part_at));
    bool filled = true;
    for (size_t i = 0; i < json_array_size(list_parts(&row)); i++) {
        filled = filled && is_done(json_array_get(list_parts(&row), i));
    }

    struct stk_counts counts = { 0 };
    rc = stk_store_counts(store, fill->sweep_id, &counts, err);
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_freep) char *text = stk_json_text(row.spec);
    return stk_store_sweep_set(store, fill->sweep_id, text,
                               filled ? stk_counts_total(&counts) : row.points, filled, err);
}

static enum stk_rc write_chunk(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct filling *fill = arg;
    enum stk_rc rc = stk_store_sweep_take(store, fill->sweep_id, err);
    fill->elsewhere = rc == STK_BUSY;
    if (fill->elsewhere) rc = STK_CONFLICT; /* it is no use to come again at once */
    if (rc == STK_OK) rc = submit_chunk(store, fill, now, err);
    if (rc != STK_OK || !fill->last) return rc;
    return mark_done(store, fill, err);
}

static enum stk_rc flush(struct filling *fill, bool last, struct stk_error *err)
{
    struct chunk *chunk = fill->chunk;
    fill->last = last;
    enum stk_rc rc = stk_write(fill->access, write_chunk, fill, err);
    if (rc == STK_CONFLICT && fill->elsewhere) {
        return stk_fail(err, STK_BUSY, "sweep %" PRId64 " is being filled by another process",
                        fill->sweep_id);
    }
    if (rc != STK_OK) return rc;

    fill->fresh += chunk->fresh;
    fill->points += (int64_t)chunk->count;
    fill->done += (int64_t)chunk->count;
    chunk->count = 0;
    stk_buf_clear(&chunk->text);
    bool go_on = fill->more == NULL || fill->more(fill->context, fill->done, fill->expected);
    if (last) return STK_OK;

    if (!go_on) {
        return stk_fail(err, STK_BUSY,
                        "sweep %" PRId64 " has %" PRId64 " of %" PRId64
                        " points so far; the rest will follow",
                        fill->sweep_id, fill->done, fill->expected);
    }
    if (stk_fault(STK_FAULT_SWEEP_CHUNK)) {
        return stk_fail(err, STK_UNAVAILABLE, "fault sweep.chunk");
    }
    return STK_OK;
}

static void add_point(const struct filling *fill, const char *text, size_t len)
{
    struct chunk *chunk = fill->chunk;
    chunk->starts[chunk->count] = chunk->text.len;
    chunk->jobs[chunk->count] = (struct stk_new_job){ .sweep_id = fill->sweep_id,
                                                      .params_len = len,
                                                      .priority = fill->priority };
    chunk->count++;
    stk_buf_add(&chunk->text, text, len + 1); /* the NUL too */
}

/* A chunk is written when it is known that more comes, so that the last one
 * goes into one transaction with what marks the part done. */
static enum stk_rc walk(struct filling *fill, struct stk_points *points, struct stk_error *err)
{
    for (;;) {
        const char *text = NULL;
        size_t len = 0;
        enum stk_rc rc = stk_points_next(points, &text, &len, err);
        if (rc != STK_OK) return rc;
        if (text == NULL) return flush(fill, true, err);

        const struct chunk *chunk = fill->chunk;
        if (chunk->count == STK_STORE_CHUNK || chunk->text.len >= CHUNK_BYTES_MAX) {
            rc = flush(fill, false, err);
            if (rc != STK_OK) return rc;
        }
        add_point(fill, text, len);
    }
}

/* The recipe alone, as it came in. */
static json_t *make_recipe(json_t *part)
{
    static const char *const added[] = { "done", "points", "priority" };
    json_t *recipe = json_copy(part);
    for (size_t i = 0; i < STK_ARRAY_LEN(added); i++) {
        (void)json_object_del(recipe, added[i]);
    }
    return recipe;
}

static enum stk_rc fill_part(struct filling *fill, size_t at, json_t *part, struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *recipe = make_recipe(part);
    STK_CLEANUP(stk_points_closep) struct stk_points *points = NULL;
    enum stk_rc rc = stk_points_open(fill->task, recipe, &points, &cause);
    if (rc != STK_OK) {
        return stk_fail(err, rc,
                        "sweep %" PRId64 " can no longer be filled, its task has changed: %s",
                        fill->sweep_id, cause.text);
    }

    fill->part_at = at;
    fill->priority = (int32_t)json_integer_value(json_object_get(part, "priority"));
    fill->from_rows = stk_points_from_rows(points);
    fill->fresh = 0;
    fill->points = 0;
    return walk(fill, points, err);
}

static enum stk_rc fill_parts(struct filling *fill, const json_t *parts, struct stk_error *err)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        if (!is_done(part)) fill->expected += get_points(part);
    }
    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);
        if (is_done(part)) {
            fill->fresh = 0;
            fill->points = get_points(part);
            continue;
        }
        enum stk_rc rc = fill_part(fill, i, part, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

enum stk_rc stk_sweep_fill(const struct stk_access *access, const struct stk_settings *settings,
                           int64_t sweep_id,
                           bool (*more)(void *context, int64_t done, int64_t points), void *context,
                           struct stk_sweep_answer *answer, struct stk_error *err)
{
    STK_CLEANUP(release_row) struct row row = ROW_INIT;
    STK_CLEANUP(free_chunk) struct chunk *chunk = stk_alloc(sizeof(*chunk));
    struct load load = { .id = sweep_id, .row = &row };
    struct filling fill = {
        .access = access, .sweep_id = sweep_id, .chunk = chunk, .more = more, .context = context
    };

    enum stk_rc rc = stk_read(access, read_row, &load, err);
    if (rc == STK_OK) rc = find_task(settings, row.task, &fill.task, err);
    if (rc == STK_OK) rc = fill_parts(&fill, list_parts(&row), err);
    if (rc != STK_OK) return rc;

    if (answer != NULL) {
        *answer = (struct stk_sweep_answer){ .sweep_id = sweep_id,
                                             .points = fill.points,
                                             .fresh = fill.fresh,
                                             .existing = fill.points - fill.fresh };
    }
    return STK_OK;
}
