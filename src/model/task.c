/* SPDX-License-Identifier: MIT */
#include "model/task.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/http_task.h"
#include "model/shown.h"
#include "model/template.h"

/* Whole numbers up to here are the same as doubles. */
#define EXACT_MAX ((int64_t)1 << 53)

/* One reader per type: gives a new value of that type, or says what is wrong
 * with the value ("is not ..."). */

static const char *read_int(const struct stk_param *param, const json_t *value, bool from_text,
                            json_t **ret)
{
    (void)param;
    int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    bool is_right =
        from_text ? stk_parse_i64(json_string_value(value), &number) : json_is_integer(value);
    if (!is_right) return "is not a whole number of at most 64 bits";
    *ret = json_integer(number);
    return NULL;
}

static const char *read_float(const struct stk_param *param, const json_t *value, bool from_text,
                              json_t **ret)
{
    (void)param;
    double number = json_number_value(value);
    bool is_right =
        from_text ? stk_parse_double(json_string_value(value), &number) : json_is_number(value);
    if (!is_right) return "is not a finite number";

    int64_t whole = json_is_integer(value) ? json_integer_value(value) : 0;
    if (whole > EXACT_MAX || whole < -EXACT_MAX) {
        return "is a whole number beyond 2^53, which a float would change; write it as 1e18";
    }
    *ret = json_real(number);
    return NULL;
}

/* Of valid UTF-8: below a blank, DEL, and the C1 set, which is C2 80 to C2 9F. */
static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) return true;
        if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0) return true;
    }
    return false;
}

static const char *read_text(const struct stk_param *param, const json_t *value, bool from_text,
                             json_t **ret)
{
    (void)from_text;
    if (!json_is_string(value)) return "is not text";
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (len > STK_TEXT_PARAM_BYTES_MAX) return "is longer than 4096 bytes";
    if (memchr(text, '\0', len) != NULL) return "holds a NUL";
    if (!stk_utf8_is_valid(text, len)) return "is not valid UTF-8";
    if (has_control(text, len)) return "holds a newline or another control character";
    if (*text == '-' && !param->dash) {
        return "begins with '-', like an option; the task can allow it with dash: true";
    }
    *ret = json_stringn(text, len);
    return NULL;
}
_Static_assert(STK_TEXT_PARAM_BYTES_MAX == 4096, "the sentence above says so");

static const char *read_bool(const struct stk_param *param, const json_t *value, bool from_text,
                             json_t **ret)
{
    (void)param;
    bool truth = json_is_true(value);
    bool is_right =
        from_text ? stk_parse_bool(json_string_value(value), &truth) : json_is_boolean(value);
    if (!is_right) return "is neither true nor false";
    *ret = json_boolean(truth);
    return NULL;
}

static const struct {
    const char *name;
    const char *(*read)(const struct stk_param *, const json_t *, bool from_text, json_t **ret);
} types[] = {
    [STK_PARAM_INT] = { "int", read_int },
    [STK_PARAM_FLOAT] = { "float", read_float },
    [STK_PARAM_TEXT] = { "text", read_text },
    [STK_PARAM_BOOL] = { "bool", read_bool },
};

const char *stk_param_type_name(enum stk_param_type type)
{
    assert(type < STK_ARRAY_LEN(types));
    return types[type].name;
}

bool stk_param_type_from_name(const char *name, enum stk_param_type *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *ret = (enum stk_param_type)i;
        return true;
    }
    return false;
}

const struct stk_param *stk_task_param(const struct stk_task *task, const char *name)
{
    for (size_t i = 0; i < task->param_count; i++) {
        if (strcmp(task->params[i].name, name) == 0) return &task->params[i];
    }
    return NULL;
}

json_t *stk_task_value(const struct stk_task *task, const json_t *params, const char *name)
{
    json_t *value = json_object_get(params, name);
    const struct stk_param *param = value == NULL ? stk_task_param(task, name) : NULL;
    return param != NULL ? param->fallback : value;
}

static enum stk_rc fail_value(const struct stk_task *task, const struct stk_param *param,
                              const json_t *value, const char *problem, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown_json(value);
    return stk_fail(err, STK_INVALID, "parameter \"%s\" of task \"%s\": %s %s", param->name,
                    task->name, shown, problem);
}

static enum stk_rc fail_bound(const struct stk_task *task, const struct stk_param *param,
                              const json_t *value, const char *relation, double bound,
                              struct stk_error *err)
{
    bool is_text = param->type == STK_PARAM_TEXT;
    char number[32];
    if (param->type == STK_PARAM_FLOAT) {
        stk_double_text(bound, number);
    } else {
        (void)snprintf(number, sizeof(number), "%.0f", bound); /* below 2^53 */
    }

    STK_CLEANUP(stk_freep)
    char *problem = stk_format("is %s %s%s", relation, number, is_text ? " bytes" : "");
    return fail_value(task, param, value, problem, err);
}

static enum stk_rc check_bounds(const struct stk_task *task, const struct stk_param *param,
                                const json_t *value, struct stk_error *err)
{
    bool is_text = param->type == STK_PARAM_TEXT;
    double measure = is_text ? (double)json_string_length(value) : json_number_value(value);

    if (param->has_min && measure < param->min) {
        const char *relation = is_text ? "shorter than the minimum of" : "below the minimum of";
        return fail_bound(task, param, value, relation, param->min, err);
    }
    if (param->has_max && measure > param->max) {
        const char *relation = is_text ? "longer than the maximum of" : "above the maximum of";
        return fail_bound(task, param, value, relation, param->max, err);
    }
    return STK_OK;
}

static bool is_chosen(const json_t *choices, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++) {
        if (json_equal(json_array_get(choices, i), value)) return true;
    }
    return false;
}

static enum stk_rc fail_choice(const struct stk_task *task, const struct stk_param *param,
                               const json_t *value, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf problem = STK_BUF_INIT;
    stk_buf_adds(&problem, "is not one of");
    for (size_t i = 0; i < json_array_size(param->choices); i++) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown_json(json_array_get(param->choices, i));
        stk_buf_addf(&problem, "%s %s", i > 0 ? "," : "", shown);
    }
    return fail_value(task, param, value, stk_buf_str(&problem), err);
}

enum stk_rc stk_param_check(const struct stk_task *task, const struct stk_param *param,
                            const json_t *value, bool from_text, json_t **ret,
                            struct stk_error *err)
{
    assert(task != NULL && param != NULL && ret != NULL);
    assert(param->type < STK_ARRAY_LEN(types));

    bool is_typed = from_text && json_is_string(value);
    STK_CLEANUP(stk_json_freep) json_t *read = NULL;
    const char *problem = types[param->type].read(param, value, is_typed, &read);
    if (problem != NULL) return fail_value(task, param, value, problem, err);

    enum stk_rc rc = check_bounds(task, param, read, err);
    if (rc != STK_OK) return rc;
    bool is_free = param->choices == NULL;
    if (!is_free && !is_chosen(param->choices, read)) return fail_choice(task, param, read, err);

    *ret = json_incref(read);
    return STK_OK;
}

static void add_param_names(struct stk_buf *buf, const struct stk_task *task)
{
    if (task->param_count == 0) stk_buf_adds(buf, "it has no parameters");
    for (size_t i = 0; i < task->param_count; i++) {
        stk_buf_addf(buf, "%s %s", i > 0 ? "," : "it has", task->params[i].name);
    }
}

enum stk_rc stk_task_fail_unknown_param(const struct stk_task *task, const char *name,
                                        struct stk_error *err)
{
    const char *names[STK_PARAMS_MAX] = { 0 };
    size_t count = task->param_count < STK_PARAMS_MAX ? task->param_count : STK_PARAMS_MAX;
    for (size_t i = 0; i < count; i++) {
        names[i] = task->params[i].name;
    }

    STK_CLEANUP(stk_buf_release) struct stk_buf known = STK_BUF_INIT;
    const char *near = stk_nearest(name, names, count);
    if (near != NULL) stk_buf_addf(&known, "did you mean \"%s\"? ", near);
    add_param_names(&known, task);

    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    return stk_fail(err, STK_INVALID, "unknown parameter \"%s\" of task \"%s\"; %s", shown,
                    task->name, stk_buf_str(&known));
}

static enum stk_rc check_none_unknown(const struct stk_task *task, const json_t *given,
                                      struct stk_error *err)
{
    /* The iterators of jansson take a json_t that is not const, and change nothing. */
    json_t *object = NULL;
    memcpy(&object, &given, sizeof(object));

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        if (stk_task_param(task, name) == NULL) return stk_task_fail_unknown_param(task, name, err);
    }
    return STK_OK;
}

static enum stk_rc check_one(const struct stk_task *task, const struct stk_param *param,
                             const json_t *given, bool from_text, json_t **ret,
                             struct stk_error *err)
{
    const json_t *value = json_object_get(given, param->name);
    if (value != NULL) return stk_param_check(task, param, value, from_text, ret, err);

    if (param->fallback == NULL) {
        return stk_fail(err, STK_INVALID, "parameter \"%s\" (%s) of task \"%s\" is missing",
                        param->name, stk_param_type_name(param->type), task->name);
    }
    *ret = json_deep_copy(param->fallback); /* threads share the task: its values are not counted */
    return STK_OK;
}

/* At least the bytes of the canonical text: a byte of text takes six at most
 * (\u001f), a number fewer than thirty. Writing the text of each of a million
 * points of a sweep, only to measure it, would cost more than all the rest. */
static size_t bytes_at_most(const struct stk_task *task, const json_t *params)
{
    size_t bytes = 2;
    for (size_t i = 0; i < task->param_count; i++) {
        const json_t *value = json_object_get(params, task->params[i].name);
        bytes += strlen(task->params[i].name) + 36 + 6 * json_string_length(value);
    }
    return bytes;
}

static enum stk_rc check_size(const struct stk_task *task, const json_t *params,
                              struct stk_error *err)
{
    if (bytes_at_most(task, params) <= STK_PARAMS_BYTES_MAX) return STK_OK;

    STK_CLEANUP(stk_freep) char *text = stk_json_text(params);
    size_t bytes = strlen(text);
    if (bytes <= STK_PARAMS_BYTES_MAX) return STK_OK;
    return stk_fail(err, STK_TOO_LARGE,
                    "the parameters of a job of task \"%s\" take %zu bytes; the limit is %d",
                    task->name, bytes, STK_PARAMS_BYTES_MAX);
}

enum stk_rc stk_params_check(const struct stk_task *task, const json_t *given, bool from_text,
                             json_t **ret, struct stk_error *err)
{
    assert(task != NULL && ret != NULL);
    if (!json_is_object(given)) {
        return stk_fail(err, STK_INVALID, "the parameters of task \"%s\" must be a JSON object",
                        task->name);
    }
    enum stk_rc rc = check_none_unknown(task, given, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_json_freep) json_t *params = json_object();
    for (size_t i = 0; i < task->param_count; i++) {
        json_t *value = NULL;
        rc = check_one(task, &task->params[i], given, from_text, &value, err);
        if (rc != STK_OK) return rc;
        (void)json_object_set_new(params, task->params[i].name, value); /* valid UTF-8 */
    }
    rc = check_size(task, params, err);
    if (rc != STK_OK) return rc;

    *ret = json_incref(params);
    return STK_OK;
}

enum stk_rc stk_task_check_template(const struct stk_task *task, const char *template,
                                    bool may_have_params, struct stk_error *err)
{
    const char *at = template;
    const char *text = NULL;
    size_t len = 0;
    enum stk_piece piece = STK_PIECE_END;
    while ((piece = stk_template_next(&at, &text, &len)) != STK_PIECE_END) {
        if (piece == STK_PIECE_TEXT) continue;
        if (piece == STK_PIECE_BROKEN) {
            return stk_fail(err, STK_INVALID,
                            "unbalanced brace in \"%s\": a parameter is {name}, a brace {{ or }}",
                            template);
        }

        STK_CLEANUP(stk_freep) char *name = stk_strndup(text, len);
        if (stk_task_param(task, name) == NULL) return stk_task_fail_unknown_param(task, name, err);
        if (!may_have_params) {
            return stk_fail(err, STK_INVALID,
                            "the program cannot come from a parameter: \"%s\"; whoever submits a "
                            "job would choose what runs",
                            template);
        }
    }
    return STK_OK;
}

static enum stk_rc add_value(struct stk_buf *buf, const struct stk_task *task, const char *name,
                             const json_t *params, struct stk_error *err)
{
    const json_t *value = stk_task_value(task, params, name);
    if (value == NULL) {
        return stk_fail(err, STK_INVALID,
                        "the job has no parameter \"%s\": task \"%s\" has changed since the job "
                        "was submitted",
                        name, task->name);
    }
    if (json_is_string(value)) {
        stk_buf_adds(buf, json_string_value(value));
    } else {
        stk_json_add(buf, value);
    }
    return STK_OK;
}

static enum stk_rc add_argument(struct stk_buf *buf, const struct stk_task *task,
                                const char *template, const json_t *params, struct stk_error *err)
{
    const char *at = template;
    const char *text = NULL;
    size_t len = 0;
    enum stk_piece piece = STK_PIECE_END;
    while ((piece = stk_template_next(&at, &text, &len)) != STK_PIECE_END) {
        assert(piece != STK_PIECE_BROKEN); /* checked when the task was made */
        if (piece == STK_PIECE_TEXT) {
            stk_buf_add(buf, text, len);
            continue;
        }
        STK_CLEANUP(stk_freep) char *name = stk_strndup(text, len);
        enum stk_rc rc = add_value(buf, task, name, params, err);
        if (rc != STK_OK) return rc;
    }
    stk_buf_addc(buf, '\0');
    return STK_OK;
}

/* `count` texts, each ended by its NUL, and the pointers to them in one block. */
static char **pack(const struct stk_buf *texts, size_t count)
{
    size_t head = (count + 1) * sizeof(char *);
    char **argv = stk_alloc(head + texts->len);
    char *at = (char *)argv + head;
    memcpy(at, stk_buf_str(texts), texts->len);

    for (size_t i = 0; i < count; i++) {
        argv[i] = at;
        at += strlen(at) + 1;
    }
    return argv;
}

enum stk_rc stk_task_argv(const struct stk_task *task, const json_t *params, char ***ret,
                          struct stk_error *err)
{
    assert(task != NULL && ret != NULL);
    STK_CLEANUP(stk_buf_release) struct stk_buf texts = STK_BUF_INIT;

    size_t count = 0;
    for (; task->argv != NULL && task->argv[count] != NULL; count++) {
        enum stk_rc rc = add_argument(&texts, task, task->argv[count], params, err);
        if (rc != STK_OK) return rc;
    }

    *ret = pack(&texts, count);
    return STK_OK;
}

void stk_argv_free(char **argv)
{
    free(argv);
}

static void release_param(struct stk_param *param)
{
    free(param->name);
    json_decref(param->choices);
    json_decref(param->fallback);
}

void stk_task_release(struct stk_task *task)
{
    if (task == NULL) return;
    for (size_t i = 0; i < task->param_count; i++) {
        release_param(&task->params[i]);
    }
    free(task->params);
    free(task->name);
    free(task->queue);
    free(task->dir);
    stk_texts_free(task->limit_names);
    free(task->session_name);
    stk_http_spec_free(task->http);
    stk_texts_free(task->argv);
    stk_texts_free(task->env);
    stk_texts_free(task->env_pass);
    *task = (struct stk_task){ 0 };
}
