/* SPDX-License-Identifier: MIT */
#include "model/http_template.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/http.h"
#include "model/shown.h"
#include "model/task_config.h"

/* --- pieces --------------------------------------------------------------- */

enum kind { PIECE_END, PIECE_TEXT, PIECE_PLACE, PIECE_BROKEN };

struct piece {
    enum kind kind;
    const char *text; /* of a place: what stands between the braces */
    size_t len;
};

/* The length of the place's name when one begins at `at` (which is a brace), 0:
 * none does. */
static size_t place_len(const char *at)
{
    size_t len = strcspn(at + 1, "{}\" \t\r\n,");
    if (len == 0 || at[1 + len] != '}') return 0;
    STK_CLEANUP(stk_freep) char *name = stk_strndup(at + 1, len);
    return *name == '/' || stk_identifier_is_valid(name) ? len : 0;
}

static struct piece take(const char **at, enum kind kind, size_t skip, size_t len, size_t after)
{
    const struct piece piece = { kind, *at + skip, len };
    *at += skip + len + after;
    return piece;
}

static struct piece next_piece(const char **at, enum stk_http_form form)
{
    bool is_json = form == STK_HTTP_FORM_JSON;
    const char *from = *at;
    if (*from == '\0') return (struct piece){ .kind = PIECE_END };
    size_t plain = strcspn(from, is_json ? "{" : "{}");
    if (plain > 0) return take(at, PIECE_TEXT, 0, plain, 0);

    size_t len = *from == '{' ? place_len(from) : 0;
    if (len > 0) return take(at, PIECE_PLACE, 1, len, 1);
    if (is_json) return take(at, PIECE_TEXT, 0, 1, 0);
    if (from[0] == from[1]) return take(at, PIECE_TEXT, 0, 1, 1);
    return (struct piece){ .kind = PIECE_BROKEN };
}

bool stk_http_template_is_place(const char *text)
{
    size_t len = *text == '{' ? place_len(text) : 0;
    return len > 0 && text[len + 2] == '\0';
}

/* --- checking ------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *name;
    unsigned has;
} builtins[] = {
    { "params", STK_HTTP_HAS_PARAMS },
    { "job",    STK_HTTP_HAS_PARAMS },
    { "handle", STK_HTTP_HAS_HANDLE },
};
/* clang-format on */

bool stk_http_name_is_taken(const char *name)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(builtins); i++) {
        if (strcmp(builtins[i].name, name) == 0) return true;
    }
    return false;
}

static enum stk_rc check_place(const struct stk_task *task, const char *name, unsigned has,
                               struct stk_error *err)
{
    if (*name == '/') {
        if ((has & STK_HTTP_HAS_ANSWER) != 0) return STK_OK;
        return stk_fail(err, STK_INVALID, "{%s} reads an answer, and there is none yet", name);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(builtins); i++) {
        if (strcmp(builtins[i].name, name) != 0) continue;
        if ((has & builtins[i].has) != 0) return STK_OK;
        return stk_fail(err, STK_INVALID, "{%s} is not known before the job is accepted", name);
    }
    if (stk_task_param(task, name) != NULL) return STK_OK;
    return stk_task_fail_unknown_param(task, name, err);
}

/* Whether the text is JSON once its places are filled in. */
static enum stk_rc check_json(const char *template, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf probe = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    struct stk_error cause = { 0 };
    struct piece piece;
    for (const char *at = template;
         (piece = next_piece(&at, STK_HTTP_FORM_JSON)).kind != PIECE_END;) {
        if (piece.kind == PIECE_TEXT) stk_buf_add(&probe, piece.text, piece.len);
        if (piece.kind == PIECE_PLACE) stk_buf_addc(&probe, '0');
    }
    if (stk_json_parse(stk_buf_str(&probe), probe.len, &value, &cause) == STK_OK) return STK_OK;
    return stk_fail(err, STK_INVALID, "is no JSON when it is filled in: %s", cause.text);
}

enum stk_rc stk_http_template_check(const struct stk_task *task, const char *template,
                                    enum stk_http_form form, unsigned has, struct stk_error *err)
{
    struct piece piece;
    for (const char *at = template; (piece = next_piece(&at, form)).kind != PIECE_END;) {
        if (piece.kind == PIECE_BROKEN) {
            STK_CLEANUP(stk_freep) char *shown = stk_shown(template);
            return stk_fail(err, STK_INVALID,
                            "unbalanced brace in \"%s\": a place is {name}, a brace {{ or }}",
                            shown);
        }
        if (piece.kind != PIECE_PLACE) continue;
        STK_CLEANUP(stk_freep) char *name = stk_strndup(piece.text, piece.len);
        enum stk_rc rc = check_place(task, name, has, err);
        if (rc != STK_OK) return rc;
    }
    return form == STK_HTTP_FORM_JSON ? check_json(template, err) : STK_OK;
}

/* --- filling in ----------------------------------------------------------- */

/* A null or an empty text is as good as none: an address made of it would be
 * that of something else. */
static json_t *answer_value(const json_t *answer, const char *pointer)
{
    const json_t *value = answer != NULL ? stk_json_at(answer, pointer) : NULL;
    bool is_empty = json_is_string(value) && json_string_length(value) == 0;
    return json_is_null(value) || is_empty ? NULL : json_deep_copy(value);
}

static enum stk_rc find_value(const struct stk_http_values *values, const char *name, json_t **ret,
                              struct stk_error *err)
{
    if (*name == '/') {
        *ret = answer_value(values->answer, name);
        return *ret != NULL ? STK_OK : stk_fail(err, STK_INVALID, "the answer has no %s", name);
    }
    if (strcmp(name, "params") == 0) {
        *ret = json_deep_copy(values->params);
    } else if (strcmp(name, "job") == 0) {
        *ret = json_integer(values->job_id);
    } else if (strcmp(name, "handle") == 0) {
        *ret = values->handle != NULL ? json_string(values->handle) : NULL;
    } else {
        *ret = json_deep_copy(json_object_get(values->params, name));
    }
    if (*ret != NULL) return STK_OK;
    return stk_fail(err, STK_INVALID,
                    "the job has no \"%s\": its task has changed since it was submitted", name);
}

static void add_plain(struct stk_buf *buf, const json_t *value)
{
    if (json_is_string(value)) {
        stk_buf_add(buf, json_string_value(value), json_string_length(value));
    } else {
        stk_json_add(buf, value);
    }
}

static void add_in_string(struct stk_buf *buf, const char *text, size_t len)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf quoted = STK_BUF_INIT;
    stk_json_add_string(&quoted, text, len);
    stk_buf_add(buf, quoted.data + 1, quoted.len - 2);
}

struct filling {
    enum stk_http_form form;
    bool in_string, is_escaped; /* JSON: where the next piece stands */
};

/* `is_address`: it stands at the start of a URL, and is one itself. */
static void add_value(struct stk_buf *buf, const struct filling *filling, const json_t *value,
                      bool is_address)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    if (filling->form == STK_HTTP_FORM_JSON && !filling->in_string) {
        stk_json_add(buf, value);
        return;
    }
    add_plain(&text, value);
    const char *plain = stk_buf_str(&text);
    if (filling->form == STK_HTTP_FORM_JSON) {
        add_in_string(buf, plain, text.len);
    } else if (filling->form == STK_HTTP_FORM_URL && !is_address) {
        stk_url_add_escaped(buf, plain, text.len);
    } else {
        stk_buf_add(buf, plain, text.len);
    }
}

static void follow_strings(struct filling *filling, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_quote = text[i] == '"' && !filling->is_escaped;
        filling->is_escaped = filling->in_string && text[i] == '\\' && !filling->is_escaped;
        if (is_quote) filling->in_string = !filling->in_string;
    }
}

enum stk_rc stk_http_template_fill(const char *template, enum stk_http_form form,
                                   const struct stk_http_values *values, struct stk_buf *buf,
                                   struct stk_error *err)
{
    struct filling filling = { .form = form };
    struct piece piece;
    for (const char *at = template; (piece = next_piece(&at, form)).kind != PIECE_END;) {
        assert(piece.kind != PIECE_BROKEN); /* checked when the task was read */
        if (piece.kind == PIECE_TEXT) {
            stk_buf_add(buf, piece.text, piece.len);
            follow_strings(&filling, piece.text, piece.len);
            continue;
        }
        STK_CLEANUP(stk_freep) char *name = stk_strndup(piece.text, piece.len);
        STK_CLEANUP(stk_json_freep) json_t *value = NULL;
        enum stk_rc rc = find_value(values, name, &value, err);
        if (rc != STK_OK) return rc;
        bool is_first = piece.text == template + 1;
        add_value(buf, &filling, value, is_first && (*name == '/' || strcmp(name, "handle") == 0));
    }
    return STK_OK;
}
