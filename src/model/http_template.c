/* SPDX-License-Identifier: MIT */
#include "model/http_template.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/http.h"
#include "base/json_pointer.h"
#include "model/shown.h"
#include "model/template.h"

/* --- checking ------------------------------------------------------------- */

static enum stk_rc fail_hole(const char *name, const char *why, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    return stk_fail(err, STK_INVALID, "{%s}: %s", shown, why);
}

static enum stk_rc check_hole(const struct stk_task *task, const char *name, int holes,
                              struct stk_error *err)
{
    if (strcmp(name, "params") == 0 || strcmp(name, "job") == 0) return STK_OK;
    if (strcmp(name, "handle") == 0) {
        if ((holes & STK_HOLE_HANDLE) != 0) return STK_OK;
        return fail_hole(name, "the handle is not known here yet", err);
    }
    if (*name == '/') {
        if ((holes & STK_HOLE_POINTER) == 0) return fail_hole(name, "there is no answer yet", err);
        if (stk_json_pointer_is_valid(name)) return STK_OK;
        return fail_hole(name, "is no JSON pointer: write ~0 for ~ and ~1 for /", err);
    }
    if (stk_task_param(task, name) != NULL) return STK_OK;
    return stk_task_fail_unknown_param(task, name, err);
}

enum stk_rc stk_http_template_check(const struct stk_task *task, const char *text, int holes,
                                    struct stk_error *err)
{
    const char *at = text;
    const char *piece_text = NULL;
    size_t len = 0;
    enum stk_piece piece = STK_PIECE_END;
    while ((piece = stk_template_next(&at, &piece_text, &len)) != STK_PIECE_END) {
        if (piece == STK_PIECE_TEXT) continue;
        if (piece == STK_PIECE_BROKEN) {
            return stk_fail(err, STK_INVALID,
                            "unbalanced brace: what is filled in is {name}, a brace {{ or }}");
        }
        STK_CLEANUP(stk_freep) char *name = stk_strndup(piece_text, len);
        enum stk_rc rc = check_hole(task, name, holes, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

enum stk_rc stk_http_template_check_json(const struct stk_task *task, json_t *value, int holes,
                                         struct stk_error *err)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    if (json_is_string(value)) {
        return stk_http_template_check(task, json_string_value(value), holes, err);
    }
    json_array_foreach(value, i, member)
    {
        enum stk_rc rc = stk_http_template_check_json(task, member, holes, err);
        if (rc != STK_OK) return rc;
    }
    json_object_foreach(value, key, member)
    {
        enum stk_rc rc = stk_http_template_check_json(task, member, holes, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- filling in ----------------------------------------------------------- */

/* What belongs into the hole, a new reference; NULL: there is none. */
static json_t *make_value(const struct stk_http_values *values, const char *name)
{
    if (strcmp(name, "params") == 0) return json_incref(values->params);
    if (strcmp(name, "job") == 0) return json_integer(values->job_id);
    if (strcmp(name, "handle") == 0) {
        return values->handle != NULL ? json_string(values->handle) : NULL;
    }
    if (*name == '/') return json_incref(stk_json_at(values->body, name));
    const json_t *value = stk_task_value(values->task, values->params, name);
    return json_deep_copy(value); /* it may be the task's own, which threads share */
}

static enum stk_rc fill(const struct stk_http_values *values, const char *name, json_t **ret,
                        struct stk_error *err)
{
    json_t *value = make_value(values, name);
    if (value != NULL) {
        *ret = value;
        return STK_OK;
    }
    if (*name == '/') return fail_hole(name, "the answer has no such value", err);
    if (strcmp(name, "handle") == 0) return fail_hole(name, "the handle is not known", err);
    return stk_fail(err, STK_INVALID,
                    "the job has no parameter \"%s\": task \"%s\" has changed since the job was "
                    "submitted",
                    name, values->task->name);
}

static enum stk_rc add_hole(const struct stk_http_values *values, const char *name, bool is_raw,
                            struct stk_buf *buf, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    enum stk_rc rc = fill(values, name, &value, err);
    if (rc != STK_OK) return rc;
    if (!stk_json_add_plain(&text, value)) {
        if (*name == '/') return fail_hole(name, "is no text or number in the answer", err);
        stk_json_add(&text, value);
    }
    if (is_raw) {
        stk_buf_add(buf, text.data, text.len);
    } else {
        stk_url_add_escaped(buf, stk_buf_str(&text), text.len);
    }
    return STK_OK;
}

/* An address that the authority gave: to be taken as it is. */
static bool is_address(const char *name)
{
    return *name == '/' || strcmp(name, "handle") == 0;
}

enum stk_rc stk_http_render(const struct stk_http_values *values, const char *text,
                            enum stk_http_place place, struct stk_buf *buf, struct stk_error *err)
{
    const char *at = text;
    const char *piece_text = NULL;
    size_t len = 0;
    enum stk_piece piece = STK_PIECE_END;
    while ((piece = stk_template_next(&at, &piece_text, &len)) != STK_PIECE_END) {
        assert(piece != STK_PIECE_BROKEN); /* checked when the task was made */
        if (piece == STK_PIECE_TEXT) {
            stk_buf_add(buf, piece_text, len);
            continue;
        }
        STK_CLEANUP(stk_freep) char *name = stk_strndup(piece_text, len);
        bool begins = piece_text == text + 1;
        bool is_raw = place == STK_HTTP_IN_TEXT || (begins && is_address(name));
        enum stk_rc rc = add_hole(values, name, is_raw, buf, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- JSON ----------------------------------------------------------------- */

/* "{name}" and nothing else: the name; else NULL. */
static char *make_single_hole(const char *text)
{
    const char *at = text;
    const char *name = NULL;
    size_t len = 0;
    if (stk_template_next(&at, &name, &len) != STK_PIECE_HOLE || *at != '\0') return NULL;
    return stk_strndup(name, len);
}

static enum stk_rc render_string(const struct stk_http_values *values, const char *text,
                                 json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *hole = make_single_hole(text);
    if (hole != NULL) return fill(values, hole, ret, err);

    STK_CLEANUP(stk_buf_release) struct stk_buf filled = STK_BUF_INIT;
    enum stk_rc rc = stk_http_render(values, text, STK_HTTP_IN_TEXT, &filled, err);
    if (rc != STK_OK) return rc;
    *ret = json_string(stk_buf_str(&filled));
    return *ret != NULL ? STK_OK : stk_fail(err, STK_INVALID, "is not valid UTF-8");
}

static enum stk_rc render_array(const struct stk_http_values *values, json_t *list, json_t **ret,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *filled = json_array();
    json_t *item = NULL;
    size_t i = 0;
    json_array_foreach(list, i, item)
    {
        json_t *one = NULL;
        enum stk_rc rc = stk_http_render_json(values, item, &one, err);
        if (rc != STK_OK) return rc;
        (void)json_array_append_new(filled, one);
    }
    *ret = json_incref(filled);
    return STK_OK;
}

static enum stk_rc render_object(const struct stk_http_values *values, json_t *object, json_t **ret,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *filled = json_object();
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach(object, key, member)
    {
        json_t *one = NULL;
        enum stk_rc rc = stk_http_render_json(values, member, &one, err);
        if (rc != STK_OK) return rc;
        (void)json_object_set_new(filled, key, one);
    }
    *ret = json_incref(filled);
    return STK_OK;
}

enum stk_rc stk_http_render_json(const struct stk_http_values *values, json_t *value, json_t **ret,
                                 struct stk_error *err)
{
    if (json_is_string(value)) return render_string(values, json_string_value(value), ret, err);
    if (json_is_array(value)) return render_array(values, value, ret, err);
    if (json_is_object(value)) return render_object(values, value, ret, err);
    *ret = json_incref(value);
    return STK_OK;
}
