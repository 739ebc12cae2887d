/* SPDX-License-Identifier: MIT */
#include "feed/axes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "feed/points.h"
#include "feed/range.h"
#include "feed/table.h"
#include "model/shown.h"

/* One entry of "axes", or one column of the file. */
struct line {
    size_t param;
    json_t *values; /* array */
    size_t zip;     /* its group, from 1; 0: walks alone */
};

struct builder {
    const struct stk_task *task;
    struct stk_axes *axes;
    bool given[STK_PARAMS_MAX]; /* by place among axes->params */
    struct line lines[STK_PARAMS_MAX];
    size_t line_count;
};

static void release_builder(struct builder *builder)
{
    for (size_t i = 0; i < builder->line_count; i++) {
        json_decref(builder->lines[i].values);
    }
}

static const char *name_of(const struct builder *builder, size_t param)
{
    return builder->axes->params[param]->name;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct stk_param *const *)a)->name,
                  (*(const struct stk_param *const *)b)->name);
}

static void sort_params(const struct stk_task *task, struct stk_axes *axes)
{
    axes->param_count = task->param_count;
    axes->params = stk_realloc(NULL, task->param_count, sizeof(struct stk_param *));
    for (size_t i = 0; i < task->param_count; i++) {
        axes->params[i] = &task->params[i];
    }
    qsort(axes->params, axes->param_count, sizeof(struct stk_param *), compare_names);
}

/* --- members of the recipe ----------------------------------------------- */

/* *ret NULL when the member is absent or null. */
static enum stk_rc get_list(const json_t *recipe, const char *name, const json_t **ret,
                            struct stk_error *err)
{
    const json_t *member = json_object_get(recipe, name);
    *ret = json_is_null(member) ? NULL : member;
    if (*ret == NULL || json_is_array(member)) return STK_OK;
    return stk_fail(err, STK_INVALID, "\"%s\" of a sweep must be a list", name);
}

/* Finds the parameter and makes sure that only one axis gives it. */
static enum stk_rc claim_param(struct builder *builder, const char *name, size_t *ret,
                               struct stk_error *err)
{
    size_t at = 0;
    while (at < builder->axes->param_count && strcmp(name_of(builder, at), name) != 0) {
        at++;
    }
    if (at == builder->axes->param_count) {
        return stk_task_fail_unknown_param(builder->task, name, err);
    }
    if (builder->given[at]) {
        return stk_fail(err, STK_INVALID, "parameter \"%s\" of task \"%s\" is given twice", name,
                        builder->task->name);
    }
    builder->given[at] = true;
    *ret = at;
    return STK_OK;
}

/* --- making one axis ----------------------------------------------------- */

static void add_cell_text(const struct stk_axes *axes, size_t param, const json_t *value,
                          struct stk_buf *text)
{
    const char *name = axes->params[param]->name;
    stk_buf_addc(text, param == 0 ? '{' : ',');
    stk_json_add_string(text, name, strlen(name));
    stk_buf_addc(text, ':');
    stk_json_add(text, value);
}

/* The rows that an axis has so far, found by what they say: open addressing
 * over row + 1, 0 for an empty slot. */
struct seen {
    uint32_t *slots;
    size_t mask;
};

static void init_seen(struct seen *seen, size_t rows_max)
{
    size_t size = 2;
    while (size < 2 * rows_max) {
        size *= 2;
    }
    seen->mask = size - 1;
    seen->slots = stk_alloc(size * sizeof(*seen->slots));
}

static void release_seen(struct seen *seen)
{
    free(seen->slots);
}

static const char *row_text(const struct stk_axis *axis, size_t row, size_t *ret_len)
{
    size_t start = axis->starts[row * axis->columns];
    *ret_len = axis->starts[(row + 1) * axis->columns] - start;
    return axis->text.data + start;
}

/* The row after the last one, whose cells are written: remembers it, or
 * returns false when an earlier one says the same. A hash of the cryptographic
 * kind, since whoever writes the file chooses a million values. */
static bool add_seen(struct seen *seen, const struct stk_axis *axis)
{
    size_t len = 0, other_len = 0;
    const char *text = row_text(axis, axis->rows, &len);
    union {
        unsigned char bytes[16];
        uint64_t number;
    } hash;
    stk_hash128(text, len, hash.bytes);

    size_t slot = hash.number & seen->mask;
    for (; seen->slots[slot] != 0; slot = (slot + 1) & seen->mask) {
        const char *other = row_text(axis, seen->slots[slot] - 1, &other_len);
        if (other_len == len && memcmp(other, text, len) == 0) return false;
    }
    seen->slots[slot] = (uint32_t)axis->rows + 1;
    return true;
}

/* Row `row` of the lines becomes the next row of the axis, or nothing when it
 * is there already. The texts of its cells tell: equal values have equal ones. */
static void add_row(const struct stk_axes *axes, struct stk_axis *axis, const struct line *lines,
                    size_t row, struct seen *seen)
{
    size_t start = axis->text.len, cell = axis->rows * axis->columns;
    for (size_t i = 0; i < axis->columns; i++) {
        add_cell_text(axes, lines[i].param, json_array_get(lines[i].values, row), &axis->text);
        axis->starts[cell + i + 1] = axis->text.len;
    }
    if (!add_seen(seen, axis)) {
        axis->text.len = start;
        return;
    }

    for (size_t i = 0; i < axis->columns; i++) {
        axis->values[cell + i] = json_incref(json_array_get(lines[i].values, row));
    }
    axis->rows++;
    size_t bytes = axis->text.len - start;
    if (bytes > axis->row_bytes_max) axis->row_bytes_max = bytes;
}

/* Lines of equal length, walked together. */
static void add_axis(struct stk_axes *axes, const struct line *lines, size_t count)
{
    STK_CLEANUP(release_seen) struct seen seen = { 0 };
    size_t rows = json_array_size(lines[0].values);
    struct stk_axis *axis = &axes->items[axes->count++];
    *axis = (struct stk_axis){ .columns = count };
    axis->params = stk_realloc(NULL, count, sizeof(*axis->params));
    axis->values = stk_realloc(NULL, rows * count, sizeof(json_t *));
    axis->starts = stk_realloc(NULL, rows * count + 1, sizeof(*axis->starts));
    axis->starts[0] = 0;
    init_seen(&seen, rows);

    for (size_t i = 0; i < count; i++) {
        axis->params[i] = lines[i].param;
    }
    for (size_t row = 0; row < rows; row++) {
        add_row(axes, axis, lines, row, &seen);
    }
}
_Static_assert(STK_AXIS_VALUES_MAX < UINT32_MAX, "a row fits a slot");

/* --- the file ------------------------------------------------------------ */

struct file {
    const char *name, *format, *text;
    size_t len;
};

static enum stk_rc read_file(const json_t *from, struct file *file, struct stk_error *err)
{
    static const char *const names[] = { "format", "name", "text", NULL };
    enum stk_rc rc = stk_json_only(from, names, err);
    if (rc == STK_OK) rc = stk_json_get_string(from, "name", &file->name, err);
    if (rc == STK_OK) rc = stk_json_get_string(from, "format", &file->format, err);
    if (rc == STK_OK) rc = stk_json_get_string(from, "text", &file->text, err);
    if (rc != STK_OK) return rc;

    if (file->name == NULL || file->format == NULL || file->text == NULL) {
        return stk_fail(err, STK_INVALID, "\"from\" of a sweep needs name, format and text");
    }
    file->len = json_string_length(json_object_get(from, "text"));
    return STK_OK;
}

static enum stk_rc read_rows(const struct builder *builder, const struct file *file, bool whole,
                             json_t **ret, struct stk_error *err)
{
    static const struct {
        const char *name;
        enum stk_rc (*read)(const struct stk_task *, const char *, const char *, size_t, bool,
                            json_t **, struct stk_error *);
    } formats[] = { { "csv", stk_table_csv }, { "jsonl", stk_table_jsonl } };

    for (size_t i = 0; i < STK_ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, file->format) != 0) continue;
        return formats[i].read(builder->task, file->name, file->text, file->len, whole, ret, err);
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(file->format);
    return stk_fail(err, STK_INVALID, "\"format\" of a file is csv or jsonl, not \"%s\"", shown);
}

static json_t *list_column(const json_t *rows, const char *name)
{
    json_t *values = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        (void)json_array_append(values, json_object_get(json_array_get(rows, i), name));
    }
    return values;
}

/* The file is read whole, defaults included, when there are no other axes. */
static enum stk_rc add_file(struct builder *builder, const json_t *from, bool whole,
                            struct stk_error *err)
{
    struct file file = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *rows = NULL;
    enum stk_rc rc = read_file(from, &file, err);
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(file.name);
    file.name = shown;
    rc = read_rows(builder, &file, whole, &rows, err);
    if (rc != STK_OK) return rc;
    if (json_array_size(rows) == 0) {
        return stk_fail(err, STK_BAD_DATA, "%s has no rows", file.name);
    }

    const json_t *first = json_array_get(rows, 0);
    for (size_t param = 0; param < builder->axes->param_count; param++) {
        if (json_object_get(first, name_of(builder, param)) == NULL) continue;
        builder->given[param] = true;
        builder->lines[builder->line_count++] =
            (struct line){ .param = param, .values = list_column(rows, name_of(builder, param)) };
    }
    builder->axes->from_rows = json_array_size(rows);
    if (builder->line_count > 0) add_axis(builder->axes, builder->lines, builder->line_count);
    return STK_OK;
}

/* --- typed axes ---------------------------------------------------------- */

static enum stk_rc read_line(struct builder *builder, const json_t *pair, struct stk_error *err)
{
    const char *name = json_string_value(json_array_get(pair, 0));
    const char *text = json_string_value(json_array_get(pair, 1));
    if (name == NULL || text == NULL || json_array_size(pair) != 2) {
        return stk_fail(err, STK_INVALID, "an axis of a sweep is a pair of texts, [name, values]");
    }

    size_t param = 0;
    enum stk_rc rc = claim_param(builder, name, &param, err);
    if (rc != STK_OK) return rc;
    json_t *values = NULL;
    rc = stk_range_parse(builder->task, builder->axes->params[param], text, &values, err);
    if (rc != STK_OK) return rc;
    builder->lines[builder->line_count++] = (struct line){ .param = param, .values = values };
    return STK_OK;
}

static enum stk_rc zip_line(struct builder *builder, size_t first, const char *name, size_t group,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    for (size_t i = first; i < builder->line_count; i++) {
        struct line *line = &builder->lines[i];
        if (strcmp(name_of(builder, line->param), name) != 0) continue;
        if (line->zip != 0) {
            return stk_fail(err, STK_INVALID, "parameter \"%s\" is zipped twice", shown);
        }
        line->zip = group;
        return STK_OK;
    }
    return stk_fail(err, STK_INVALID, "zip names \"%s\", which no axis of this sweep gives", shown);
}

static enum stk_rc read_zip(struct builder *builder, size_t first, const json_t *zip,
                            struct stk_error *err)
{
    for (size_t group = 0; group < json_array_size(zip); group++) {
        const json_t *names = json_array_get(zip, group);
        for (size_t i = 0; i < json_array_size(names); i++) {
            const char *name = json_string_value(json_array_get(names, i));
            if (name == NULL) return stk_fail(err, STK_INVALID, "zip is lists of parameters");
            enum stk_rc rc = zip_line(builder, first, name, group + 1, err);
            if (rc != STK_OK) return rc;
        }
        if (json_array_size(names) < 2) {
            return stk_fail(err, STK_INVALID, "zip needs the names of two parameters or more");
        }
    }
    return STK_OK;
}

/* The axis of line `first` and of those zipped with it, which come after it. */
static enum stk_rc add_zipped(struct builder *builder, size_t first, struct stk_error *err)
{
    struct line members[STK_PARAMS_MAX] = { builder->lines[first] };
    size_t zip = members[0].zip, count = 1;
    for (size_t i = first + 1; zip != 0 && i < builder->line_count; i++) {
        if (builder->lines[i].zip == zip) members[count++] = builder->lines[i];
    }

    size_t rows = json_array_size(members[0].values);
    for (size_t i = 1; i < count; i++) {
        size_t other = json_array_size(members[i].values);
        if (other == rows) continue;
        return stk_fail(err, STK_INVALID,
                        "zipped parameters must have as many values each: \"%s\" has %zu, \"%s\" "
                        "has %zu",
                        name_of(builder, members[0].param), rows,
                        name_of(builder, members[i].param), other);
    }
    add_axis(builder->axes, members, count);
    return STK_OK;
}

static bool is_zipped_before(const struct builder *builder, size_t first, size_t at)
{
    for (size_t i = first; i < at; i++) {
        if (builder->lines[at].zip != 0 && builder->lines[i].zip == builder->lines[at].zip) {
            return true;
        }
    }
    return false;
}

static enum stk_rc add_typed(struct builder *builder, const json_t *typed, const json_t *zip,
                             struct stk_error *err)
{
    size_t first = builder->line_count; /* before it: the columns of the file */
    for (size_t i = 0; i < json_array_size(typed); i++) {
        enum stk_rc rc = read_line(builder, json_array_get(typed, i), err);
        if (rc != STK_OK) return rc;
    }
    enum stk_rc rc = read_zip(builder, first, zip, err);
    if (rc != STK_OK) return rc;

    for (size_t i = first; i < builder->line_count; i++) {
        if (is_zipped_before(builder, first, i)) continue;
        rc = add_zipped(builder, i, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- all of them --------------------------------------------------------- */

/* What the axes leave to the defaults of the task: the model is shown the
 * first point, and fills it or names what is missing. */
static enum stk_rc add_defaults(struct builder *builder, struct stk_error *err)
{
    struct stk_axes *axes = builder->axes;
    STK_CLEANUP(stk_json_freep) json_t *point = json_object();
    STK_CLEANUP(stk_json_freep) json_t *filled = NULL;
    for (size_t i = 0; i < axes->count; i++) {
        for (size_t column = 0; column < axes->items[i].columns; column++) {
            const char *name = name_of(builder, axes->items[i].params[column]);
            (void)json_object_set(point, name, axes->items[i].values[column]);
        }
    }
    enum stk_rc rc = stk_params_check(builder->task, point, false, &filled, err);
    if (rc != STK_OK) return rc;

    size_t first = builder->line_count;
    for (size_t param = 0; param < axes->param_count; param++) {
        if (builder->given[param]) continue;
        json_t *value = json_object_get(filled, name_of(builder, param));
        builder->lines[builder->line_count++] =
            (struct line){ .param = param, .values = json_pack("[O]", value) };
    }
    size_t count = builder->line_count - first;
    if (count > 0) add_axis(axes, builder->lines + first, count);
    return STK_OK;
}

static enum stk_rc measure(struct stk_axes *axes, struct stk_error *err)
{
    axes->points = 1;
    axes->point_bytes_max = sizeof("{}");
    for (size_t i = 0; i < axes->count; i++) {
        axes->point_bytes_max += axes->items[i].row_bytes_max;
        int64_t rows = (int64_t)axes->items[i].rows;
        bool is_over = __builtin_mul_overflow(axes->points, rows, &axes->points);
        if (!is_over && axes->points <= STK_POINTS_MAX) continue;
        return stk_fail(err, STK_TOO_LARGE,
                        "the axes of this sweep span more than %" PRId64 " points", STK_POINTS_MAX);
    }
    if (axes->point_bytes_max <= STK_PARAMS_BYTES_MAX) return STK_OK;
    return stk_fail(err, STK_TOO_LARGE,
                    "the parameters of a point of this sweep take %zu bytes; the limit is %d",
                    axes->point_bytes_max, (int)STK_PARAMS_BYTES_MAX);
}

static enum stk_rc build(struct builder *builder, const json_t *recipe, struct stk_error *err)
{
    const json_t *typed = NULL, *zip = NULL, *from = json_object_get(recipe, "from");
    enum stk_rc rc = get_list(recipe, "axes", &typed, err);
    if (rc == STK_OK) rc = get_list(recipe, "zip", &zip, err);
    if (rc == STK_OK && from != NULL && !json_is_null(from)) {
        rc = add_file(builder, from, json_array_size(typed) == 0, err);
    }
    if (rc == STK_OK) rc = add_typed(builder, typed, zip, err);
    if (rc == STK_OK) rc = add_defaults(builder, err);
    return rc == STK_OK ? measure(builder->axes, err) : rc;
}

enum stk_rc stk_axes_init(struct stk_axes *axes, const struct stk_task *task, const json_t *recipe,
                          struct stk_error *err)
{
    assert(task->param_count <= STK_PARAMS_MAX);
    STK_CLEANUP(stk_axes_release) struct stk_axes made = STK_AXES_INIT;
    STK_CLEANUP(release_builder) struct builder builder = { .task = task, .axes = &made };
    sort_params(task, &made);
    made.items = stk_realloc(NULL, task->param_count + 1, sizeof(*made.items));

    enum stk_rc rc = build(&builder, recipe, err);
    if (rc != STK_OK) return rc;

    *axes = made;
    made = (struct stk_axes)STK_AXES_INIT;
    return STK_OK;
}

static void release_axis(struct stk_axis *axis)
{
    for (size_t i = 0; i < axis->rows * axis->columns; i++) {
        json_decref(axis->values[i]);
    }
    free(axis->params);
    free(axis->values);
    free(axis->starts);
    stk_buf_release(&axis->text);
}

void stk_axes_release(struct stk_axes *axes)
{
    for (size_t i = 0; i < axes->count; i++) {
        release_axis(&axes->items[i]);
    }
    free(axes->items);
    free(axes->params);
    *axes = (struct stk_axes)STK_AXES_INIT;
}
