/* SPDX-License-Identifier: MIT */
#include "feed/points.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "feed/axes.h"
#include "feed/where.h"

/* Every point of the span has a number, its ordinal, from which its rows
 * follow by division: there is no state to walk but the next ordinal. */

/* Where the value of one parameter is found. */
struct source {
    const struct stk_axis *axis;
    size_t axis_at, column;
};

struct stk_points {
    struct stk_axes axes;
    struct stk_where *where; /* or NULL */
    struct source sources[STK_PARAMS_MAX];
    size_t rows[STK_PARAMS_MAX]; /* of each axis, at the point last placed */
    char *text;                  /* room for the longest point */

    int64_t sample, seed; /* sample INT64_MAX: all */
    int64_t passing;      /* points that pass `where`; -1: not counted yet */
    uint64_t *drawn;      /* a bit per passing point; NULL: all of them */

    int64_t at;     /* next ordinal */
    int64_t passed; /* so many before it have passed */
};

/* --- opening ------------------------------------------------------------- */

/* Every parameter is a column of exactly one axis (feed/axes.h). */
static void find_sources(struct stk_points *self)
{
    for (size_t i = 0; i < self->axes.count; i++) {
        const struct stk_axis *axis = &self->axes.items[i];
        for (size_t column = 0; column < axis->columns; column++) {
            self->sources[axis->params[column]] =
                (struct source){ .axis = axis, .axis_at = i, .column = column };
        }
    }
}

static enum stk_rc read_sample(struct stk_points *self, const json_t *recipe, struct stk_error *err)
{
    self->sample = INT64_MAX;
    enum stk_rc rc = stk_json_get_int(recipe, "sample", &self->sample, err);
    if (rc == STK_OK) rc = stk_json_get_int(recipe, "seed", &self->seed, err);
    if (rc != STK_OK || self->sample >= 1) return rc;
    return stk_fail(err, STK_INVALID, "\"sample\" must be at least 1");
}

static enum stk_rc open_where(struct stk_points *self, const json_t *recipe, struct stk_error *err)
{
    const char *expression = NULL;
    enum stk_rc rc = stk_json_get_string(recipe, "where", &expression, err);
    if (rc != STK_OK || expression == NULL) return rc;

    const char *names[STK_PARAMS_MAX] = { 0 };
    for (size_t i = 0; i < self->axes.param_count; i++) {
        names[i] = self->axes.params[i]->name;
    }
    return stk_where_open(expression, names, self->axes.param_count, &self->where, err);
}

enum stk_rc stk_points_open(const struct stk_task *task, const json_t *recipe,
                            struct stk_points **ret, struct stk_error *err)
{
    static const char *const names[] = { "axes", "from", "sample", "seed", "where", "zip", NULL };
    enum stk_rc rc = stk_json_only(recipe, names, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_points_closep) struct stk_points *self = stk_alloc(sizeof(*self));
    self->passing = -1;
    rc = stk_axes_init(&self->axes, task, recipe, err);
    if (rc == STK_OK) rc = read_sample(self, recipe, err);
    if (rc == STK_OK) rc = open_where(self, recipe, err);
    if (rc != STK_OK) return rc;
    find_sources(self);
    self->text = stk_alloc(self->axes.point_bytes_max);

    *ret = self;
    self = NULL;
    return STK_OK;
}

/* --- one point ----------------------------------------------------------- */

static void place(struct stk_points *self, int64_t ordinal)
{
    uint64_t left = (uint64_t)ordinal;
    for (size_t i = self->axes.count; i-- > 0;) {
        size_t rows = self->axes.items[i].rows;
        self->rows[i] = left % rows;
        left /= rows;
    }
}

static size_t find_cell(const struct stk_points *self, const struct source *source)
{
    return self->rows[source->axis_at] * source->axis->columns + source->column;
}

static size_t write_text(struct stk_points *self)
{
    char *at = self->text;
    if (self->axes.param_count == 0) *at++ = '{';
    for (size_t i = 0; i < self->axes.param_count; i++) {
        const struct stk_axis *axis = self->sources[i].axis;
        size_t cell = find_cell(self, &self->sources[i]);
        size_t len = axis->starts[cell + 1] - axis->starts[cell];
        memcpy(at, axis->text.data + axis->starts[cell], len);
        at += len;
    }
    at[0] = '}';
    at[1] = '\0';
    return (size_t)(at - self->text) + 1;
}

static enum stk_rc test_where(struct stk_points *self, bool *ret_true, struct stk_error *err)
{
    const json_t *values[STK_PARAMS_MAX] = { 0 };
    for (size_t i = 0; i < self->axes.param_count; i++) {
        values[i] = self->sources[i].axis->values[find_cell(self, &self->sources[i])];
    }
    return stk_where_test(self->where, values, ret_true, err);
}

/* --- counting and drawing ------------------------------------------------ */

static enum stk_rc count_passing(struct stk_points *self, struct stk_error *err)
{
    if (self->passing >= 0) return STK_OK;

    int64_t passing = self->where == NULL ? self->axes.points : 0;
    for (int64_t ordinal = 0; self->where != NULL && ordinal < self->axes.points; ordinal++) {
        bool is_true = false;
        place(self, ordinal);
        enum stk_rc rc = test_where(self, &is_true, err);
        if (rc != STK_OK) return rc;
        passing += is_true;
    }
    self->passing = passing;
    return STK_OK;
}

static bool is_drawn(const struct stk_points *self, int64_t index)
{
    return self->drawn == NULL || (self->drawn[index / 64] >> (index % 64) & 1) != 0;
}

/* Floyd's way: as many numbers drawn as points wanted, no point twice, each
 * choice as likely as any other. The bits keep them in order for nothing:
 * STK_POINTS_MAX of them are 12 MB. */
static void draw(struct stk_points *self)
{
    struct stk_seeded seeded;
    stk_seeded_init(&seeded, (uint64_t)self->seed);
    self->drawn = stk_alloc((size_t)(self->passing / 64 + 1) * sizeof(uint64_t));
    for (int64_t i = self->passing - self->sample; i < self->passing; i++) {
        int64_t index = (int64_t)stk_seeded_below(&seeded, (uint64_t)i + 1);
        if (is_drawn(self, index)) index = i;
        self->drawn[index / 64] |= UINT64_C(1) << (index % 64);
    }
}

/* A sample needs to know out of how many it is taken. */
static enum stk_rc draw_once(struct stk_points *self, struct stk_error *err)
{
    if (self->sample == INT64_MAX || self->drawn != NULL) return STK_OK;

    enum stk_rc rc = count_passing(self, err);
    if (rc != STK_OK) return rc;
    if (self->sample < self->passing) draw(self);
    return STK_OK;
}

enum stk_rc stk_points_count(struct stk_points *points, int64_t *ret, struct stk_error *err)
{
    enum stk_rc rc = count_passing(points, err);
    if (rc != STK_OK) return rc;
    *ret = points->sample < points->passing ? points->sample : points->passing;
    return STK_OK;
}

int64_t stk_points_span(const struct stk_points *points)
{
    return points->axes.points;
}

size_t stk_points_from_rows(const struct stk_points *points)
{
    return points->axes.from_rows;
}

/* --- walking ------------------------------------------------------------- */

/* Without `where` the next drawn point is the next bit, found by the word: 500
 * out of a hundred million must not cost a hundred million steps. */
static void skip_undrawn(struct stk_points *self)
{
    while (self->at < self->axes.points && !is_drawn(self, self->at)) {
        uint64_t rest = self->drawn[self->at / 64] >> (self->at % 64);
        self->at += rest != 0 ? __builtin_ctzll(rest) : 64 - self->at % 64;
    }
}

static enum stk_rc take(struct stk_points *self, bool *ret_taken, struct stk_error *err)
{
    if (self->where == NULL) {
        place(self, self->at++);
        *ret_taken = true;
        return STK_OK;
    }

    bool is_true = false;
    place(self, self->at++);
    enum stk_rc rc = test_where(self, &is_true, err);
    if (rc != STK_OK) return rc;
    *ret_taken = is_true && is_drawn(self, self->passed);
    self->passed += is_true;
    return STK_OK;
}

enum stk_rc stk_points_next(struct stk_points *points, const char **ret_text, size_t *ret_len,
                            struct stk_error *err)
{
    enum stk_rc rc = draw_once(points, err);
    if (rc != STK_OK) return rc;

    bool taken = false;
    while (!taken) {
        if (points->where == NULL) skip_undrawn(points);
        if (points->at >= points->axes.points) break;
        rc = take(points, &taken, err);
        if (rc != STK_OK) return rc;
    }
    *ret_text = taken ? points->text : NULL;
    *ret_len = taken ? write_text(points) : 0;
    return STK_OK;
}

void stk_points_rewind(struct stk_points *points)
{
    points->at = 0;
    points->passed = 0;
}

void stk_points_close(struct stk_points *points)
{
    if (points == NULL) return;
    stk_axes_release(&points->axes);
    stk_where_close(points->where);
    free(points->drawn);
    free(points->text);
    free(points);
}

void stk_points_closep(struct stk_points **points)
{
    stk_points_close(*points);
    *points = NULL;
}
