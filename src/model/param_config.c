/* SPDX-License-Identifier: MIT
 *
 * The parameters of a task, in their forms:
 *
 *   fast: int
 *   fast: {type: int, min: 1, max: 500, default: 10}
 *   mode: {enum: [close, open]}
 *   note: {type: text, dash: true, max: 200}
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/shown.h"
#include "model/task_config.h"

/* Bounds are doubles, and must be exact. */
#define BOUND_MAX (((int64_t)1 << 53) - 1)

struct reading {
    const struct stk_task *task;
    struct stk_param *param;
    bool typed;
};

static enum stk_rc set_type(const struct stk_node *node, struct reading *self,
                            struct stk_error *err)
{
    const char *name = NULL;
    enum stk_rc rc = stk_node_text(node, &name, err);
    if (rc != STK_OK) return rc;
    if (!stk_param_type_from_name(name, &self->param->type)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
        return stk_node_fail(node, err, "unknown type \"%s\": int, float, text or bool", shown);
    }
    self->typed = true;
    return STK_OK;
}

static enum stk_rc read_type(const struct stk_node *node, void *into, struct stk_error *err)
{
    return set_type(node, into, err);
}

static enum stk_rc read_dash(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_node_bool(node, &self->param->dash, err);
}

/* What is in quotes is text, whatever it looks like, and so is every word. */
static enum stk_param_type type_of_scalar(const struct stk_node *node)
{
    int64_t whole = 0;
    double number = 0;
    bool truth = false;
    if (node->quoted) return STK_PARAM_TEXT;
    if (stk_parse_i64(node->text, &whole)) return STK_PARAM_INT;
    if (stk_parse_double(node->text, &number)) return STK_PARAM_FLOAT;
    if (stk_parse_bool(node->text, &truth)) return STK_PARAM_BOOL;
    return STK_PARAM_TEXT;
}

static bool is_number(enum stk_param_type type)
{
    return type == STK_PARAM_INT || type == STK_PARAM_FLOAT;
}

static enum stk_rc check_choice_kinds(const struct stk_node *list, struct stk_error *err)
{
    if (list->kind != STK_NODE_LIST) return stk_node_fail(list, err, "must be a list: [a, b]");
    if (list->count == 0) return stk_node_fail(list, err, "is empty: no value would be allowed");
    for (size_t i = 0; i < list->count; i++) {
        const struct stk_node *item = list->children[i];
        if (item->kind == STK_NODE_SCALAR) continue;
        return stk_node_fail(item, err, "must be text, a number, true or false");
    }
    return STK_OK;
}

/* All of one type, but whole numbers among floats are floats. */
static enum stk_rc infer_type(const struct stk_node *list, struct reading *self,
                              struct stk_error *err)
{
    enum stk_param_type type = type_of_scalar(list->children[0]);
    for (size_t i = 1; i < list->count; i++) {
        enum stk_param_type other = type_of_scalar(list->children[i]);
        if (other == type) continue;
        if (!is_number(type) || !is_number(other)) {
            return stk_node_fail(list->children[i], err,
                                 "is %s among values that are %s; quote them all if they are text",
                                 stk_param_type_name(other), stk_param_type_name(type));
        }
        type = STK_PARAM_FLOAT;
    }
    self->param->type = type;
    self->typed = true;
    return STK_OK;
}

/* A value of stoker.yaml, checked as if somebody had typed it for a job. */
static enum stk_rc read_value(const struct stk_node *node, const struct reading *self, json_t **ret,
                              struct stk_error *err)
{
    const char *type = stk_param_type_name(self->param->type);
    if (node->kind != STK_NODE_SCALAR) return stk_node_fail(node, err, "must be one %s", type);
    if (node->quoted && self->param->type != STK_PARAM_TEXT) {
        return stk_node_fail(node, err, "is text because of its quotes; this is of type %s", type);
    }

    struct stk_error cause = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *text = json_string(node->text);
    if (text == NULL) return stk_node_fail(node, err, "is not valid UTF-8");
    enum stk_rc rc = stk_param_check(self->task, self->param, text, true, ret, &cause);
    if (rc != STK_OK) return stk_node_fail(node, err, "%s", cause.text);
    return STK_OK;
}

static bool has_choice(const json_t *choices, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++) {
        if (json_equal(json_array_get(choices, i), value)) return true;
    }
    return false;
}

static enum stk_rc read_choices(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    enum stk_rc rc = check_choice_kinds(node, err);
    if (rc == STK_OK && !self->typed) rc = infer_type(node, self, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_json_freep) json_t *choices = json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *value = NULL;
        rc = read_value(node->children[i], self, &value, err);
        if (rc != STK_OK) return rc;
        bool twice = has_choice(choices, value);
        (void)json_array_append_new(choices, value); /* only memory could be missing */
        if (twice) return stk_node_fail(node->children[i], err, "is there twice");
    }
    self->param->choices = json_incref(choices);
    return STK_OK;
}

static enum stk_rc read_bound(const struct stk_node *node, const struct reading *self, double *ret,
                              struct stk_error *err)
{
    if (!self->typed) return stk_node_fail(node, err, "needs a type beside it");
    if (self->param->choices != NULL) return stk_node_fail(node, err, "has no meaning beside enum");
    if (self->param->type == STK_PARAM_BOOL)
        return stk_node_fail(node, err, "a bool has no bounds");

    if (self->param->type == STK_PARAM_FLOAT) {
        bool is_plain = node->kind == STK_NODE_SCALAR && !node->quoted;
        if (is_plain && stk_parse_double(node->text, ret)) return STK_OK;
        return stk_node_fail(node, err, "must be a number");
    }

    bool is_text = self->param->type == STK_PARAM_TEXT;
    int64_t low = is_text ? 0 : -BOUND_MAX;
    int64_t high = is_text ? STK_TEXT_PARAM_BYTES_MAX : BOUND_MAX;
    int64_t bound = 0;
    enum stk_rc rc = stk_node_int(node, low, high, &bound, err);
    if (rc != STK_OK) return rc;
    *ret = (double)bound;
    return STK_OK;
}

static enum stk_rc read_min(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    self->param->has_min = true;
    return read_bound(node, self, &self->param->min, err);
}

static enum stk_rc read_max(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    self->param->has_max = true;
    enum stk_rc rc = read_bound(node, self, &self->param->max, err);
    if (rc != STK_OK) return rc;
    if (self->param->has_min && self->param->min > self->param->max) {
        return stk_node_fail(node, err, "is below min: no value would be allowed");
    }
    return STK_OK;
}

static enum stk_rc read_default(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    if (!self->typed) return stk_node_fail(node, err, "needs a type beside it");
    return read_value(node, self, &self->param->fallback, err);
}

/* In the order in which they need each other, for stk_keys_read keeps it. */
static const struct stk_key param_keys[] = {
    { "type", read_type }, { "dash", read_dash }, { "enum", read_choices },
    { "min", read_min },   { "max", read_max },   { "default", read_default },
};

static enum stk_rc read_param(const struct stk_node *node, const struct stk_task *task,
                              struct stk_param *param, struct stk_error *err)
{
    if (!stk_identifier_is_valid(node->name)) {
        return stk_node_fail(node, err,
                             "not a name for a parameter: letters, digits and _, at most 64");
    }
    param->name = stk_strdup(node->name);

    struct reading self = { .task = task, .param = param };
    if (node->kind == STK_NODE_SCALAR) return set_type(node, &self, err);
    enum stk_rc rc = stk_keys_read(node, param_keys, STK_ARRAY_LEN(param_keys), &self, err);
    if (rc != STK_OK) return rc;
    if (!self.typed)
        return stk_node_fail(node, err, "needs a type (int, float, text, bool) or enum");

    bool has_stray_dash = param->dash && param->type != STK_PARAM_TEXT;
    if (has_stray_dash) return stk_node_fail(node, err, "dash belongs to parameters of type text");
    return STK_OK;
}

enum stk_rc stk_task_read_params(const struct stk_node *node, struct stk_task *task,
                                 struct stk_error *err)
{
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count > STK_PARAMS_MAX) {
        return stk_node_fail(node, err, "has %zu parameters; the limit is %d", node->count,
                             STK_PARAMS_MAX);
    }

    task->params = stk_alloc((node->count + 1) * sizeof(*task->params));
    for (size_t i = 0; i < node->count; i++) {
        struct stk_param *param = &task->params[task->param_count++];
        rc = read_param(node->children[i], task, param, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}
