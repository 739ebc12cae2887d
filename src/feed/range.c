/* SPDX-License-Identifier: MIT */
#include "feed/range.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "feed/points.h"
#include "model/shown.h"

enum {
    PLACES_MAX = 15,    /* decimal places: what a double holds */
    EXPONENT_MAX = 400, /* past that no double is left to be written */
    PARTS_MAX = 3,      /* first:last:step */
};

/* units / 10^places */
struct decimal {
    int64_t units;
    int places;
};

/* All three in units of the same 10^-places. */
struct range {
    const char *text, *last_text, *step_text;
    struct decimal first, last, step;
};

/* What one axis is being made of. */
struct maker {
    const struct stk_task *task;
    const struct stk_param *param;
    json_t *values;
};

static enum stk_rc fail_range(const struct maker *maker, const char *text, const char *reason,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_fail(err, STK_INVALID, "range %s of parameter \"%s\" %s", shown, maker->param->name,
                    reason);
}

/* --- decimals ------------------------------------------------------------ */

/* False when the number grows over int64. */
static bool raise_places(struct decimal *decimal, int places)
{
    for (; decimal->places < places; decimal->places++) {
        if (__builtin_mul_overflow(decimal->units, 10, &decimal->units)) return false;
    }
    return true;
}

/* Away with zeros at the end of a fraction: 1.50 is 1.5. */
static void drop_zeros(struct decimal *decimal)
{
    while (decimal->places > 0 && decimal->units % 10 == 0) {
        decimal->units /= 10;
        decimal->places--;
    }
}

/* Text that stk_parse_double has read, so its grammar is known. False when it
 * has more digits than fit. */
static bool read_decimal(const char *text, struct decimal *ret)
{
    struct decimal decimal = { 0 };
    bool in_fraction = false;
    const char *at = text + (text[0] == '-');
    for (; *at != '\0' && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            in_fraction = true;
            continue;
        }
        if (__builtin_mul_overflow(decimal.units, 10, &decimal.units)) return false;
        if (__builtin_add_overflow(decimal.units, *at - '0', &decimal.units)) return false;
        decimal.places += in_fraction;
    }

    int64_t exponent = 0;
    if (*at != '\0' && !stk_parse_i64(at + 1 + (at[1] == '+'), &exponent)) return false;
    if (exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX) return false;
    decimal.places -= (int)exponent;
    if (decimal.units == 0) decimal.places = 0;

    drop_zeros(&decimal);
    if (!raise_places(&decimal, 0) || decimal.places > PLACES_MAX) return false;
    if (text[0] == '-') decimal.units = -decimal.units;
    *ret = decimal;
    return true;
}

/* --- ranges -------------------------------------------------------------- */

static enum stk_rc read_end(const struct maker *maker, const char *range, const char *text,
                            struct decimal *ret, struct stk_error *err)
{
    double ignored = 0;
    bool whole = maker->param->type == STK_PARAM_INT;
    bool is_number = whole ? stk_parse_i64(text, &ret->units) : stk_parse_double(text, &ignored);
    if (is_number && (whole || read_decimal(text, ret))) return STK_OK;

    const char *cause = is_number ? "has too many digits to count exactly"
                        : whole   ? "is not a whole number of at most 64 bits"
                                  : "is not a number";
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    STK_CLEANUP(stk_freep) char *reason = stk_format("is not valid: \"%s\" %s", shown, cause);
    return fail_range(maker, range, reason, err);
}

/* Cuts text at its colons; the parts stand in it. */
static size_t split_range(char *text, const char *parts[PARTS_MAX])
{
    size_t count = 0;
    for (char *part = text; part != NULL; count++) {
        char *colon = strchr(part, ':');
        if (colon != NULL) *colon = '\0';
        if (count < PARTS_MAX) parts[count] = part;
        part = colon != NULL ? colon + 1 : NULL;
    }
    return count;
}

static enum stk_rc read_range(const struct maker *maker, const char *const parts[PARTS_MAX],
                              struct range *range, struct stk_error *err)
{
    struct decimal *ends[PARTS_MAX] = { &range->first, &range->last, &range->step };
    int places = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        enum stk_rc rc = read_end(maker, range->text, parts[i], ends[i], err);
        if (rc != STK_OK) return rc;
        if (ends[i]->places > places) places = ends[i]->places;
    }

    for (size_t i = 0; i < PARTS_MAX; i++) {
        if (raise_places(ends[i], places)) continue;
        return fail_range(maker, range->text, "has too many digits to count exactly", err);
    }
    if (range->step.units == 0) return fail_range(maker, range->text, "has the step 0", err);
    return STK_OK;
}

/* How many steps lead from first to last; 0 is one value. The difference of
 * two int64 fits an uint64. */
static enum stk_rc count_steps(const struct maker *maker, const struct range *range, uint64_t *ret,
                               struct stk_error *err)
{
    int64_t first = range->first.units, last = range->last.units, step = range->step.units;
    assert(step != 0);
    if (step > 0 ? last < first : last > first) {
        STK_CLEANUP(stk_freep)
        char *reason = stk_format("is empty: the step %s leads away from %s", range->step_text,
                                  range->last_text);
        return fail_range(maker, range->text, reason, err);
    }

    uint64_t span = step > 0 ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
    *ret = span / (step > 0 ? (uint64_t)step : 0 - (uint64_t)step);
    return STK_OK;
}

static enum stk_rc fail_too_many(const struct maker *maker, struct stk_error *err)
{
    return stk_fail(err, STK_INVALID, "parameter \"%s\" has more than %d values",
                    maker->param->name, (int)STK_AXIS_VALUES_MAX);
}

/* Checks the value as any other of this parameter and adds it; its reference
 * is taken over. */
static enum stk_rc add_value(const struct maker *maker, json_t *value, bool from_text,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *given = value;
    json_t *checked = NULL;
    if (json_array_size(maker->values) >= STK_AXIS_VALUES_MAX) return fail_too_many(maker, err);

    enum stk_rc rc = stk_param_check(maker->task, maker->param, given, from_text, &checked, err);
    if (rc != STK_OK) return rc;
    (void)json_array_append_new(maker->values, checked);
    return STK_OK;
}

/* strtod rounds "3e-1" to the double nearest to 0.3, which 3 * 0.1 is not. */
static json_t *make_real(int64_t units, int places)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "%" PRId64 "e-%d", units, places);
    return json_real(strtod(text, NULL));
}

static enum stk_rc add_range(const struct maker *maker, const char *text, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *copy = stk_strdup(text);
    const char *parts[PARTS_MAX] = { "", "", "1" };
    size_t count = split_range(copy, parts);
    if (count > PARTS_MAX) return fail_range(maker, text, "is not first:last:step", err);

    struct range range = { .text = text, .last_text = parts[1], .step_text = parts[2] };
    uint64_t steps = 0;
    enum stk_rc rc = read_range(maker, parts, &range, err);
    if (rc == STK_OK) rc = count_steps(maker, &range, &steps, err);
    if (rc != STK_OK) return rc;
    if (steps >= STK_AXIS_VALUES_MAX) return fail_too_many(maker, err);

    /* Unsigned, where the way between two int64 may be longer than one. */
    for (uint64_t i = 0; i <= steps; i++) {
        int64_t units = (int64_t)((uint64_t)range.first.units + i * (uint64_t)range.step.units);
        bool whole = maker->param->type == STK_PARAM_INT;
        json_t *value = whole ? json_integer(units) : make_real(units, range.first.places);
        rc = add_value(maker, value, false, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- lists --------------------------------------------------------------- */

/* The text up to the next comma that no backslash precedes, without those
 * backslashes. Returns where the next item starts, NULL after the last. */
static const char *take_item(const char *at, struct stk_buf *item)
{
    stk_buf_clear(item);
    for (; *at != '\0' && *at != ','; at++) {
        if (at[0] == '\\' && at[1] == ',') at++;
        stk_buf_addc(item, *at);
    }
    return *at == ',' ? at + 1 : NULL;
}

static enum stk_rc add_item(const struct maker *maker, const char *text, struct stk_error *err)
{
    enum stk_param_type type = maker->param->type;
    bool is_number = type == STK_PARAM_INT || type == STK_PARAM_FLOAT;
    if (is_number && strchr(text, ':') != NULL) return add_range(maker, text, err);
    return add_value(maker, json_string(text), true, err);
}

enum stk_rc stk_range_parse(const struct stk_task *task, const struct stk_param *param,
                            const char *text, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *values = json_array();
    STK_CLEANUP(stk_buf_release) struct stk_buf item = STK_BUF_INIT;
    struct maker maker = { .task = task, .param = param, .values = values };

    for (const char *at = text; at != NULL;) {
        at = take_item(at, &item);
        enum stk_rc rc = add_item(&maker, stk_buf_str(&item), err);
        if (rc != STK_OK) return rc;
    }

    *ret = values;
    values = NULL;
    return STK_OK;
}
