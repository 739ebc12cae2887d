/* SPDX-License-Identifier: MIT */
#include "cli/answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"

json_t *stk_answer_get(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

const char *stk_answer_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int64_t stk_answer_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

double stk_answer_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

bool stk_answer_bool(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

stk_time_ns stk_answer_time(const json_t *object, const char *name)
{
    stk_time_ns time = STK_NEVER;
    const char *text = stk_answer_text(object, name);
    if (text == NULL || !stk_time_parse(text, &time)) return STK_NEVER;
    return time;
}

struct stk_counts stk_answer_counts(const json_t *object)
{
    struct stk_counts counts = { { 0 } };
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        counts.of[i] = stk_answer_int(object, stk_state_name((enum stk_state)i));
    }
    return counts;
}

/* Six digits are enough to look at; --format csv and --json have them all. */
static void add_real(struct stk_buf *buf, double value)
{
    stk_buf_addf(buf, "%.6g", value);
}

void stk_value_add(struct stk_buf *buf, const json_t *value)
{
    if (value == NULL || json_is_null(value)) return;
    if (json_is_string(value)) {
        stk_text_add_escaped(buf, json_string_value(value), json_string_length(value));
    } else if (json_is_real(value)) {
        add_real(buf, json_real_value(value));
    } else {
        STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
        stk_text_add_escaped(buf, text, strlen(text));
    }
}

void stk_params_add(struct stk_buf *buf, json_t *params, bool exact)
{
    const char *between = "";
    for (void *at = json_object_iter(params); at != NULL; at = json_object_iter_next(params, at)) {
        const char *name = json_object_iter_key(at);
        stk_buf_adds(buf, between);
        stk_text_add_escaped(buf, name, strlen(name));
        stk_buf_addc(buf, '=');
        const json_t *value = json_object_iter_value(at);
        if (exact && json_is_real(value)) stk_json_add(buf, value);
        if (!exact || !json_is_real(value)) stk_value_add(buf, value);
        between = " ";
    }
}
